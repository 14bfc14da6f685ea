// Objects in PostgreSQL.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice {

struct PostgresObjectStoreOptions {
  std::string conninfo;  ///< postgresql://… or libpq key=value pairs
  bool migrate = true;   ///< create or upgrade the schema on connecting
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds statement_timeout{10'000};
  std::chrono::milliseconds reconnect_max{2'000};  ///< longest pause between attempts to connect
};

/// Tables in the connection's first schema: objects, dead_letters, view online_objects;
/// bookkeeping tables start with postoffice_. One connection writes, in order; one reads.
/// Non-blocking on the loop; reconnects for ever, and logs each change of state once.
///
/// Durability: synchronous_commit=on, whatever the server's default.
/// Threads: all methods from any thread; completions on the loop's thread.
class PostgresObjectStore final : public ObjectStore {
 public:
  /// Throws std::invalid_argument if libpq cannot parse the conninfo.
  PostgresObjectStore(EventLoop& loop, PostgresObjectStoreOptions options, Log log = {});
  ~PostgresObjectStore() override;

  void apply(Changes changes, ApplyDone done) override;
  void expire(Expiry expiry, ExpireDone done) override;
  void find(ObjectQuery query, FindDone done) override;
  void find_dead_letters(std::optional<ObjectId> after, std::size_t limit,
                         DeadLettersDone done) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Creates or upgrades the schema, once, blocking. Safe to run twice and at the same time from
/// several processes. `message` gets one line for people when it fails. Errors: unavailable,
/// authentication, permission, schema.
std::error_code migrate_postgres(const std::string& conninfo, std::string& message);

}  // namespace postoffice
