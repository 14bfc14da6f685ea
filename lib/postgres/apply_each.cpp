#include "postgres/apply_each.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "postgres/array_writer.hpp"
#include "postgres/parameters.hpp"
#include "postgres/text.hpp"

namespace postoffice::postgres {
namespace {

// The rows of postoffice_apply_each() (sql/schema/003_refused_rows.sql says what `what` means).
class EachArrays {
 public:
  enum What { row = 1, removal = 2, clear = 4, dead_letter = 8 };

  explicit EachArrays(std::size_t count)
      : ids_(TypeId::int8, count),
        what_(TypeId::int4, count),
        online_(TypeId::boolean, count),
        last_seen_(TypeId::timestamptz, count),
        fetched_at_(TypeId::timestamptz, count),
        received_at_(TypeId::timestamptz, count),
        failed_at_(TypeId::timestamptz, count),
        attempts_(TypeId::int4, count),
        reasons_(TypeId::text, count) {}

  void add(const Touch& touch) {
    add_row(touch.id, row, false, touch.last_seen);
    fetched_at_.add_int8(minus_infinity);
    add_letter({});
  }

  void add(const Object& object, int what) {
    add_row(object.id, what, object.online, object.last_seen);
    fetched_at_.add_timestamp(object.fetched_at);
    add_letter({});
  }

  void add_clear(ObjectId id) { add(Object{.id = id}, clear); }

  void add(const DeadLetter& letter, const std::string& reason) {
    add_row(letter.id, dead_letter, false, {});
    fetched_at_.add_timestamp({});
    add_letter({letter.id, letter.received_at, letter.failed_at, letter.attempts, reason});
  }

  std::vector<std::optional<std::string>> take() {
    return {ids_.take(),       what_.take(),       online_.take(),
            last_seen_.take(), fetched_at_.take(), received_at_.take(),
            failed_at_.take(), attempts_.take(),   reasons_.take()};
  }

 private:
  void add_row(ObjectId id, int what, bool online, Timestamp last_seen) {
    ids_.add_int8(id);
    what_.add_int4(what);
    online_.add_boolean(online);
    last_seen_.add_timestamp(last_seen);
  }

  void add_letter(const DeadLetter& letter) {
    received_at_.add_timestamp(letter.received_at);
    failed_at_.add_timestamp(letter.failed_at);
    attempts_.add_int4(letter.attempts);
    reasons_.add_text(letter.reason);
  }

  ArrayWriter ids_, what_, online_, last_seen_, fetched_at_, received_at_, failed_at_, attempts_,
      reasons_;
};

}  // namespace

// An answer or a removal and the dead letter that it clears are done together, or not at all.
Query each_query(const Changes& changes, bool unicode) {
  std::set<ObjectId> cleared(changes.cleared.begin(), changes.cleared.end());
  const auto what = [&](ObjectId id, int kind) {
    return cleared.erase(id) > 0 ? kind | EachArrays::clear : kind;
  };
  std::vector<std::pair<Object, int>> objects;
  for (const Object& answer : changes.answers) {
    objects.emplace_back(answer, what(answer.id, EachArrays::row));
  }
  for (const Object& removal : changes.removals) {
    objects.emplace_back(removal, what(removal.id, EachArrays::removal));
  }
  EachArrays rows(changes.touches.size() + objects.size() + cleared.size() +
                  changes.dead_letters.size());
  for (const Touch& touch : changes.touches) rows.add(touch);
  for (const auto& [object, kind] : objects) rows.add(object, kind);
  for (const ObjectId id : cleared) rows.add_clear(id);
  for (const DeadLetter& letter : changes.dead_letters) {
    rows.add(letter, storable_text(letter.reason, unicode));
  }
  auto parameters = rows.take();
  parameters.push_back(timestamp(changes.cutoff));
  return {Statement::apply_each, std::move(parameters)};
}

void read_each(const PGresult& result, Applied& applied) {
  enum Found { missing = 1, late = 2 };
  for (int row = 0; row < PQntuples(&result); ++row) {
    const ObjectId id = int8_at(result, row, 0);
    const auto found = read_int32(PQgetvalue(&result, row, 1));
    if (found == missing) {
      applied.missing.push_back(id);
    } else if (found == late) {
      applied.late.push_back(id);
    } else {
      applied.refused.push_back({.id = id,
                                 .code = text_at(result, row, 2),
                                 .reason = text_at(result, row, 3),
                                 .locked = boolean_at(result, row, 4)});
    }
  }
  std::sort(applied.refused.begin(), applied.refused.end(),
            [](const Refusal& a, const Refusal& b) { return a.id < b.id; });
  const auto end = std::unique(applied.refused.begin(), applied.refused.end(),
                               [](const Refusal& a, const Refusal& b) { return a.id == b.id; });
  applied.refused.erase(end, applied.refused.end());
}

}  // namespace postoffice::postgres
