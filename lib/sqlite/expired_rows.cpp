#include "sqlite/expired_rows.hpp"

#include "sql.hpp"
#include "sqlite/values.hpp"

namespace postoffice::sqlite {

ExpiredRows::ExpiredRows(Database& database)
    : database_(database),
      remember_cutoff_(database, sql::remember_cutoff),
      forget_removals_(database, sql::forget_removals),
      forget_held_(database, sql::forget_held),
      delete_expired_(database, sql::delete_expired),
      expired_ids_(database, sql::expired_ids),
      oldest_(database, sql::oldest) {}

void ExpiredRows::remember_cutoff(Timestamp cutoff) {
  remember_cutoff_.bind(1, stored(cutoff)).run();
}

void ExpiredRows::forget_removals(Timestamp before) {
  forget_removals_.bind(1, stored(before)).run();
}

void ExpiredRows::forget_held(Timestamp before) { forget_held_.bind(1, stored(before)).run(); }

void ExpiredRows::delete_expired(ObjectId id, Timestamp cutoff, Expired& result) {
  try {
    delete_expired_.bind(1, id).bind(2, stored(cutoff)).run();
    result.deleted += database_.changed_any();
  } catch (const SqlError& error) {
    if (!error.about_row() || !database_.in_transaction()) throw;
    result.refused.push_back(refusal(id, error));
  }
}

std::vector<ObjectId> ExpiredRows::expired_ids(ObjectId first, Timestamp cutoff,
                                               std::size_t limit) {
  std::vector<ObjectId> ids;
  expired_ids_.bind(1, first).bind(2, stored(cutoff)).bind(3, stored(limit));
  while (expired_ids_.next()) ids.push_back(expired_ids_.integer(0));
  return ids;
}

Timestamp ExpiredRows::oldest(Timestamp cutoff) {
  Timestamp oldest = Timestamp::max();
  oldest_.bind(1, stored(oldest)).bind(2, stored(cutoff));
  while (oldest_.next()) oldest = loaded(oldest_.integer(0));
  return oldest;
}

}  // namespace postoffice::sqlite
