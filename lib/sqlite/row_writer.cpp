#include "sqlite/row_writer.hpp"

#include <algorithm>

#include "sql.hpp"
#include "sqlite/values.hpp"

namespace postoffice::sqlite {

RowWriter::RowWriter(Database& database)
    : database_(database),
      has_row_(database, sql::has_row),
      touch_(database, sql::touch),
      update_(database, sql::update),
      is_removed_(database, sql::is_removed),
      create_(database, sql::create),
      revive_(database, sql::revive),
      remove_(database, sql::remove),
      remember_removal_(database, sql::remember_removal),
      clear_dead_letter_(database, sql::clear_dead_letter),
      add_dead_letter_(database, sql::add_dead_letter),
      hold_(database, sql::hold),
      any_held_(database, sql::any_held),
      let_go_(database, sql::let_go),
      cutoff_(database, sql::cutoff) {}

Applied RowWriter::apply(const Changes& changes) {
  Applied applied;
  holds_any_ = any_held_.next();
  any_held_.reset();
  for (const Touch& one : changes.held) hold(one.id, one.last_seen);
  for (const Touch& one : changes.touches) {
    row(one.id, one.last_seen, applied, [&] { touch(one, applied); });
  }
  if (!changes.answers.empty()) {
    const Timestamp bound = std::max(changes.cutoff, cutoff());
    for (const Object& one : changes.answers) {
      row(one.id, one.last_seen, applied, [&] { answer(one, bound, applied); });
    }
  }
  for (const Object& one : changes.removals) {
    row(one.id, one.last_seen, applied, [&] { remove(one); });
  }
  for (const ObjectId id : changes.cleared) {
    // Cleared together with its answer, or not at all.
    if (is_refused(id, applied)) continue;
    row(id, std::nullopt, applied, [&] { clear_dead_letter_.bind(1, id).run(); });
  }
  for (const DeadLetter& letter : changes.dead_letters) {
    row(letter.id, std::nullopt, applied, [&] { add_dead_letter(letter); });
  }
  std::sort(applied.refused.begin(), applied.refused.end(),
            [](const Refusal& a, const Refusal& b) { return a.id < b.id; });
  return applied;
}

bool RowWriter::is_refused(ObjectId id, const Applied& applied) {
  return std::any_of(applied.refused.begin(), applied.refused.end(),
                     [id](const Refusal& refusal) { return refusal.id == id; });
}

void RowWriter::hold(ObjectId id, Timestamp last_seen) {
  hold_.bind(1, id).bind(2, stored(last_seen)).run();
  holds_any_ = true;
}

// A row that a constraint or a trigger refuses leaves the others alone: the statement that fails is
// the first one of its row that would change anything. If a trigger has rolled back the whole
// transaction, it cannot continue.
template <typename Write>
void RowWriter::row(ObjectId id, std::optional<Timestamp> receipt, Applied& applied, Write write) {
  try {
    write();
    if (receipt && holds_any_) let_go_.bind(1, id).bind(2, stored(*receipt)).run();
  } catch (const SqlError& error) {
    if (!error.about_row() || !database_.in_transaction()) throw;
    if (!is_refused(id, applied)) applied.refused.push_back(refusal(id, error));
    if (receipt) hold(id, *receipt);
  }
}

bool RowWriter::has_row(ObjectId id) {
  const bool found = has_row_.bind(1, id).next();
  if (found) has_row_.reset();
  return found;
}

void RowWriter::touch(const Touch& touch, Applied& applied) {
  touch_.bind(1, touch.id).bind(2, stored(touch.last_seen)).run();
  if (!database_.changed_any() && !has_row(touch.id)) applied.missing.push_back(touch.id);
}

void RowWriter::answer(const Object& answer, Timestamp cutoff, Applied& applied) {
  const auto bind_row = [&](Statement& statement) -> Statement& {
    return statement.bind(1, answer.id)
        .bind(2, std::int64_t{answer.online})
        .bind(3, stored(answer.last_seen))
        .bind(4, stored(answer.fetched_at));
  };
  bind_row(update_).run();
  if (database_.changed_any() || has_row(answer.id)) return;
  if (answer.last_seen < cutoff) {
    applied.late.push_back(answer.id);
    return;
  }
  const bool removed = is_removed_.bind(1, answer.id).bind(2, stored(answer.fetched_at)).next();
  if (removed) {
    is_removed_.reset();
    return;
  }
  bind_row(create_).run();
  revive_.bind(1, answer.id).run();
}

void RowWriter::remove(const Object& removal) {
  remove_.bind(1, removal.id).bind(2, stored(removal.fetched_at)).run();
  if (!database_.changed_any() && has_row(removal.id)) {
    touch_.bind(1, removal.id).bind(2, stored(removal.last_seen)).run();
  } else {
    remember_removal_.bind(1, removal.id).bind(2, stored(removal.fetched_at)).run();
  }
}

void RowWriter::add_dead_letter(const DeadLetter& letter) {
  add_dead_letter_.bind(1, letter.id)
      .bind(2, stored(letter.received_at))
      .bind(3, stored(letter.failed_at))
      .bind(4, std::int64_t{letter.attempts})
      .bind(5, std::string_view(letter.reason))
      .run();
}

Timestamp RowWriter::cutoff() {
  if (!cutoff_.next()) return Timestamp::min();
  const Timestamp found = loaded(cutoff_.integer(0));
  cutoff_.reset();
  return found;
}

}  // namespace postoffice::sqlite
