// The part of apply() that changes the tables.
#pragma once

#include <optional>

#include "postoffice/object_store.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

/// Throws SqlError.
class RowWriter {
 public:
  explicit RowWriter(Database& database);

  /// Runs within the caller's transaction.
  Applied apply(const Changes& changes);

 private:
  template <typename Write>
  void row(ObjectId id, std::optional<Timestamp> receipt, Applied& applied, Write write);
  static bool is_refused(ObjectId id, const Applied& applied);
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
  Statement cutoff_;
  bool holds_any_ = false;  // postoffice_held has rows
};

}  // namespace postoffice::sqlite
