// What --store and --queue name.
#pragma once

#include <string>

namespace postofficed {

struct StoreLocation {
  enum class Kind { sqlite, postgres };
  Kind kind = Kind::sqlite;
  std::string target;  ///< the file's path, or what libpq takes (it may hold a password)
};

struct QueueLocation {
  std::string directory;
};

/// False with a `problem` when `text` names no store that this program knows.
bool parse_store(const std::string& text, StoreLocation& location, std::string& problem);
bool parse_queue(const std::string& text, QueueLocation& location, std::string& problem);

/// The same text without its passwords: fit for logs and pages. Takes URLs and libpq's
/// key=value pairs; where the two cannot be told apart it hides too much rather than too little.
std::string redact(const std::string& text);

/// The location for people, redacted, in the spelling of --store.
std::string describe(const StoreLocation& location);

}  // namespace postofficed
