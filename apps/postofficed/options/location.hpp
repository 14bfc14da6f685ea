// What --store and --queue name.
#pragma once

#include <string>

#include "exit_code.hpp"
#include "options/redaction.hpp"

namespace postofficed {

struct StoreLocation {
  enum class Kind { sqlite, postgres };
  Kind kind = Kind::sqlite;
  std::string target;  ///< the file's path, or what libpq takes (it may hold a password)
};

struct QueueLocation {
  enum class Kind {
    file,              ///< file:PATH
    broker,            ///< amqp://…
    file_then_broker,  ///< file+amqp://…: on the disk first, to the broker when it answers
  };
  Kind kind = Kind::file;
  std::string directory;  ///< of the files, if there are any
  std::string url;        ///< of the broker, as amqp://… (it may hold a password)
};

/// The store that `text` names. Words about a failure read on from the text.
Result<StoreLocation> parse_store(const std::string& text);

/// The same for queues. file+amqp:// keeps its files in `directory`.
Result<QueueLocation> parse_queue(const std::string& text, const std::string& directory);

/// The same broker and directory, if perhaps with another user or password.
bool same_place(const QueueLocation& a, const QueueLocation& b);

/// The location for people, redacted, in the spelling of --store and --queue.
std::string describe(const StoreLocation& location);
std::string describe(const QueueLocation& location);

}  // namespace postofficed
