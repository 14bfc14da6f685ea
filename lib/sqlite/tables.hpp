// The prepared statements of one open file.
#pragma once

#include "sqlite/expired_rows.hpp"
#include "sqlite/row_reader.hpp"
#include "sqlite/row_writer.hpp"

namespace postoffice::sqlite {

struct Tables {
  explicit Tables(Database& database) : writer(database), expired(database), reader(database) {}

  RowWriter writer;
  ExpiredRows expired;
  RowReader reader;
};

}  // namespace postoffice::sqlite
