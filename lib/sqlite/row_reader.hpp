// The queries of pages and commands.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "postoffice/object_reader.hpp"
#include "sqlite/database.hpp"

namespace postoffice::sqlite {

/// Throws SqlError.
class RowReader {
 public:
  explicit RowReader(Database& database);

  std::vector<Object> find(const ObjectQuery& query);
  std::vector<DeadLetter> find_dead_letters(const DeadLetterQuery& query);

  RowCount count(const CountQuery& query);

 private:
  /// Adds those with ids from `first` to `last`.
  void find_dead_letters(ObjectId first, ObjectId last, const DeadLetterQuery& query,
                         std::vector<DeadLetter>& found);

  Statement find_;
  Statement find_dead_letters_;
  Statement count_objects_;
  Statement count_dead_letters_;
};

}  // namespace postoffice::sqlite
