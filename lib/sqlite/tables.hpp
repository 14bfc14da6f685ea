// What the store does to the tables. All of it throws SqlError.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "postoffice/object_store.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

class Tables {
 public:
  explicit Tables(Database& database);

  /// Within a transaction of the caller's.
  Applied apply(const Changes& changes);

  void remember_cutoff(Timestamp cutoff);
  void forget_removals(Timestamp before);
  bool delete_expired(ObjectId id, Timestamp cutoff);
  std::vector<ObjectId> expired_ids(ObjectId first, Timestamp cutoff, std::size_t limit);
  Timestamp oldest();  ///< the least last_seen, max if there is no row

  std::vector<Object> find(const ObjectQuery& query);
  std::vector<DeadLetter> find_dead_letters(std::optional<ObjectId> after, std::size_t limit);

 private:
  bool has_row(ObjectId id);
  void touch(const Touch& touch, Applied& applied);
  void answer(const Object& answer, Timestamp cutoff, Applied& applied);
  void remove(const Object& removal);
  void add_dead_letter(const DeadLetter& letter);
  Timestamp cutoff();

  Database& database_;
  Statement has_row_;
  Statement touch_;
  Statement update_;
  Statement is_removed_;
  Statement create_;
  Statement revive_;
  Statement remove_;
  Statement remember_removal_;
  Statement clear_dead_letter_;
  Statement add_dead_letter_;
  Statement cutoff_;
  Statement remember_cutoff_;
  Statement forget_removals_;
  Statement delete_expired_;
  Statement expired_ids_;
  Statement oldest_;
  Statement find_;
  Statement find_dead_letters_;
};

}  // namespace postoffice::sqlite
