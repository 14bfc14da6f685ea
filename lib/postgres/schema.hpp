// The tables, and the script that creates or upgrades them.
#pragma once

#include <string>

namespace postoffice::postgres {

/// The schema that this version reads and writes.
inline constexpr int schema_version = 3;

/// SQLSTATEs of our own, raised by the scripts.
inline constexpr const char* newer_schema_state = "PO001";
inline constexpr const char* older_schema_state = "PO002";
inline constexpr const char* fenced_state = "PO003";

/// One script, for the simple query protocol, so that it is one transaction. It needs no right to
/// create anything where the schema is complete.
std::string migration_script();

/// Only checks that the schema is there and of this version.
std::string schema_check_script();

}  // namespace postoffice::postgres
