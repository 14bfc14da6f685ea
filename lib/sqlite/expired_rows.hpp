// The part of expire() that changes the tables.
#pragma once

#include <cstddef>
#include <vector>

#include "postoffice/object_store.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

/// Throws SqlError.
class ExpiredRows {
 public:
  explicit ExpiredRows(Database& database);

  void remember_cutoff(Timestamp cutoff);
  void forget_removals(Timestamp before);
  void forget_held(Timestamp before);
  /// A row that is refused is named in the result.
  void delete_expired(ObjectId id, Timestamp cutoff, Expired& result);
  std::vector<ObjectId> expired_ids(ObjectId first, Timestamp cutoff, std::size_t limit);
  /// The oldest receipt that is not before the cutoff; max if there is none.
  Timestamp oldest(Timestamp cutoff);

 private:
  Database& database_;
  Statement remember_cutoff_;
  Statement forget_removals_;
  Statement forget_held_;
  Statement delete_expired_;
  Statement expired_ids_;
  Statement oldest_;
};

}  // namespace postoffice::sqlite
