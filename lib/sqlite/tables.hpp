// What the store does to the tables. All of it throws SqlError.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "postoffice/object_reader.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

class Tables {
 public:
  explicit Tables(Database& database);

  /// Within a transaction of the caller's.
  Applied apply(const Changes& changes);

  void remember_cutoff(Timestamp cutoff);
  void forget_removals(Timestamp before);
  void forget_held(Timestamp before);
  /// A row that is refused is named in the result.
  void delete_expired(ObjectId id, Timestamp cutoff, Expired& result);
  std::vector<ObjectId> expired_ids(ObjectId first, Timestamp cutoff, std::size_t limit);
  /// The oldest receipt that is not before the cutoff, max if there is none.
  Timestamp oldest(Timestamp cutoff);

  std::vector<Object> find(const ObjectQuery& query);
  std::vector<DeadLetter> find_dead_letters(std::optional<ObjectId> after, std::size_t limit);

 private:
  template <typename Write>
  void row(ObjectId id, std::optional<Timestamp> receipt, Applied& applied, Write write);
  static bool is_refused(ObjectId id, const Applied& applied);
  static Refusal refusal(ObjectId id, const SqlError& error);
  void hold(ObjectId id, Timestamp last_seen);
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
  Statement hold_;
  Statement any_held_;
  Statement let_go_;
  Statement forget_held_;
  Statement cutoff_;
  Statement remember_cutoff_;
  Statement forget_removals_;
  Statement delete_expired_;
  Statement expired_ids_;
  Statement oldest_;
  Statement find_;
  Statement find_dead_letters_;
  bool holds_any_ = false;  // postoffice_held has rows
};

}  // namespace postoffice::sqlite
