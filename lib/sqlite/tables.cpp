#include "sqlite/tables.hpp"

#include <algorithm>
#include <limits>

namespace postoffice::sqlite {
namespace {

std::int64_t stored(Timestamp time) { return time.time_since_epoch().count(); }

Timestamp loaded(std::int64_t microseconds) { return Timestamp(Duration(microseconds)); }

std::int64_t stored(std::size_t limit) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(limit, most));
}

// The smallest id greater than `after`, if there is one.
std::optional<ObjectId> first_after(std::optional<ObjectId> after) {
  if (!after) return std::numeric_limits<ObjectId>::min();
  if (*after == std::numeric_limits<ObjectId>::max()) return std::nullopt;
  return *after + 1;
}

}  // namespace

Tables::Tables(Database& database)
    : database_(database),
      has_row_(database, "SELECT 1 FROM objects WHERE id = ?1"),
      touch_(database, "UPDATE objects SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2"),
      update_(database,
              "UPDATE objects SET online = CASE WHEN fetched_at < ?4 THEN ?2 ELSE online END,"
              " last_seen = max(last_seen, ?3), fetched_at = max(fetched_at, ?4)"
              " WHERE id = ?1 AND (last_seen < ?3 OR fetched_at < ?4)"),
      is_removed_(database, "SELECT 1 FROM postoffice_removed WHERE id = ?1 AND fetched_at >= ?2"),
      create_(database,
              "INSERT INTO objects (id, online, last_seen, fetched_at) VALUES (?1, ?2, ?3, ?4)"),
      revive_(database, "DELETE FROM postoffice_removed WHERE id = ?1"),
      remove_(database, "DELETE FROM objects WHERE id = ?1 AND fetched_at <= ?2"),
      remember_removal_(
          database,
          "INSERT INTO postoffice_removed (id, fetched_at) VALUES (?1, ?2) ON CONFLICT (id)"
          " DO UPDATE SET fetched_at = excluded.fetched_at"
          " WHERE fetched_at < excluded.fetched_at"),
      clear_dead_letter_(database, "DELETE FROM dead_letters WHERE id = ?1"),
      // Columns that the user has added keep what is in them.
      add_dead_letter_(database,
                       "INSERT INTO dead_letters (id, received_at, failed_at, attempts, reason)"
                       " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET"
                       " received_at = excluded.received_at, failed_at = excluded.failed_at,"
                       " attempts = excluded.attempts, reason = excluded.reason"),
      hold_(database,
            "INSERT INTO postoffice_held (id, last_seen) VALUES (?1, ?2)"
            " ON CONFLICT (id) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)"),
      any_held_(database, "SELECT 1 FROM postoffice_held LIMIT 1"),
      let_go_(database, "DELETE FROM postoffice_held WHERE id = ?1 AND last_seen <= ?2"),
      forget_held_(database, "DELETE FROM postoffice_held WHERE last_seen < ?1"),
      cutoff_(database, "SELECT cutoff FROM postoffice_expiry"),
      remember_cutoff_(database, "UPDATE postoffice_expiry SET cutoff = ?1 WHERE cutoff < ?1"),
      forget_removals_(database, "DELETE FROM postoffice_removed WHERE fetched_at < ?1"),
      delete_expired_(database,
                      "DELETE FROM objects WHERE id = ?1 AND last_seen < ?2"
                      " AND NOT EXISTS (SELECT 1 FROM postoffice_held AS h"
                      "  WHERE h.id = ?1 AND h.last_seen >= ?2)"),
      expired_ids_(database,
                   "SELECT id FROM objects WHERE id >= ?1 AND last_seen < ?2 ORDER BY id LIMIT ?3"),
      oldest_(database,
              "SELECT ifnull(min(last_seen), ?1) FROM (SELECT last_seen FROM objects"
              " WHERE last_seen >= ?2 UNION ALL SELECT last_seen FROM postoffice_held"
              " WHERE last_seen >= ?2)"),
      find_(database,
            "SELECT id, online, last_seen, fetched_at FROM objects"
            " WHERE id BETWEEN ?1 AND ?2 AND (?3 < 0 OR online = ?3) ORDER BY id LIMIT ?4"),
      find_dead_letters_(database,
                         "SELECT id, received_at, failed_at, attempts, reason FROM dead_letters"
                         " WHERE id >= ?1 ORDER BY id LIMIT ?2") {}

Applied Tables::apply(const Changes& changes) {
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
    // With its answer, or not at all.
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

bool Tables::is_refused(ObjectId id, const Applied& applied) {
  return std::any_of(applied.refused.begin(), applied.refused.end(),
                     [id](const Refusal& refusal) { return refusal.id == id; });
}

void Tables::hold(ObjectId id, Timestamp last_seen) {
  hold_.bind(1, id).bind(2, stored(last_seen)).run();
  holds_any_ = true;
}

// A row that a constraint or a trigger refuses leaves the others alone: the statement that failed
// is the first of its row that changes anything, and has changed nothing. A trigger may have ended
// the whole transaction: then there is nothing to go on with.
template <typename Write>
void Tables::row(ObjectId id, std::optional<Timestamp> receipt, Applied& applied, Write write) {
  try {
    write();
    if (receipt && holds_any_) let_go_.bind(1, id).bind(2, stored(*receipt)).run();
  } catch (const SqlError& error) {
    if (!error.about_row() || !database_.in_transaction()) throw;
    if (!is_refused(id, applied)) applied.refused.push_back(refusal(id, error));
    if (receipt) hold(id, *receipt);
  }
}

Refusal Tables::refusal(ObjectId id, const SqlError& error) {
  return {.id = id, .code = error.name(), .reason = error.what()};
}

bool Tables::has_row(ObjectId id) {
  const bool found = has_row_.bind(1, id).next();
  if (found) has_row_.reset();
  return found;
}

void Tables::touch(const Touch& touch, Applied& applied) {
  touch_.bind(1, touch.id).bind(2, stored(touch.last_seen)).run();
  if (!database_.changed_any() && !has_row(touch.id)) applied.missing.push_back(touch.id);
}

void Tables::answer(const Object& answer, Timestamp cutoff, Applied& applied) {
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

void Tables::remove(const Object& removal) {
  remove_.bind(1, removal.id).bind(2, stored(removal.fetched_at)).run();
  if (!database_.changed_any() && has_row(removal.id)) {
    touch_.bind(1, removal.id).bind(2, stored(removal.last_seen)).run();
  } else {
    remember_removal_.bind(1, removal.id).bind(2, stored(removal.fetched_at)).run();
  }
}

void Tables::add_dead_letter(const DeadLetter& letter) {
  add_dead_letter_.bind(1, letter.id)
      .bind(2, stored(letter.received_at))
      .bind(3, stored(letter.failed_at))
      .bind(4, std::int64_t{letter.attempts})
      .bind(5, std::string_view(letter.reason))
      .run();
}

Timestamp Tables::cutoff() {
  if (!cutoff_.next()) return Timestamp::min();
  const Timestamp found = loaded(cutoff_.integer(0));
  cutoff_.reset();
  return found;
}

void Tables::remember_cutoff(Timestamp cutoff) { remember_cutoff_.bind(1, stored(cutoff)).run(); }

void Tables::forget_removals(Timestamp before) { forget_removals_.bind(1, stored(before)).run(); }

void Tables::forget_held(Timestamp before) { forget_held_.bind(1, stored(before)).run(); }

void Tables::delete_expired(ObjectId id, Timestamp cutoff, Expired& result) {
  try {
    delete_expired_.bind(1, id).bind(2, stored(cutoff)).run();
    result.deleted += database_.changed_any();
  } catch (const SqlError& error) {
    if (!error.about_row() || !database_.in_transaction()) throw;
    result.refused.push_back(refusal(id, error));
  }
}

std::vector<ObjectId> Tables::expired_ids(ObjectId first, Timestamp cutoff, std::size_t limit) {
  std::vector<ObjectId> ids;
  expired_ids_.bind(1, first).bind(2, stored(cutoff)).bind(3, stored(limit));
  while (expired_ids_.next()) ids.push_back(expired_ids_.integer(0));
  return ids;
}

Timestamp Tables::oldest(Timestamp cutoff) {
  Timestamp oldest = Timestamp::max();
  oldest_.bind(1, stored(oldest)).bind(2, stored(cutoff));
  while (oldest_.next()) oldest = loaded(oldest_.integer(0));
  return oldest;
}

std::vector<Object> Tables::find(const ObjectQuery& query) {
  std::vector<Object> found;
  const auto first = first_after(query.after);
  if (!first) return found;
  const ObjectId last = query.id.value_or(std::numeric_limits<ObjectId>::max());
  find_.bind(1, query.id ? std::max(*first, *query.id) : *first)
      .bind(2, last)
      .bind(3, query.online ? std::int64_t{*query.online} : -1)
      .bind(4, stored(query.limit));
  while (find_.next()) {
    found.push_back({.id = find_.integer(0),
                     .online = find_.integer(1) != 0,
                     .last_seen = loaded(find_.integer(2)),
                     .fetched_at = loaded(find_.integer(3))});
  }
  return found;
}

std::vector<DeadLetter> Tables::find_dead_letters(std::optional<ObjectId> after,
                                                  std::size_t limit) {
  std::vector<DeadLetter> found;
  const auto first = first_after(after);
  if (!first) return found;
  find_dead_letters_.bind(1, *first).bind(2, stored(limit));
  while (find_dead_letters_.next()) {
    found.push_back({.id = find_dead_letters_.integer(0),
                     .received_at = loaded(find_dead_letters_.integer(1)),
                     .failed_at = loaded(find_dead_letters_.integer(2)),
                     .attempts = static_cast<int>(find_dead_letters_.integer(3)),
                     .reason = find_dead_letters_.text(4)});
  }
  return found;
}

}  // namespace postoffice::sqlite
