// The tables of an SQLite file.
#pragma once

#include "sqlite/database.hpp"

namespace postoffice::sqlite {

inline constexpr int schema_version = 2;

/// Sets the file to WAL with full durability, and creates or upgrades the tables. Throws SqlError.
void prepare_file(Database& database);

}  // namespace postoffice::sqlite
