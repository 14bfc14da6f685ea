// Objects in PostgreSQL.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instance.hpp"
#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/result.hpp"
#include "postoffice/store_status.hpp"

namespace postoffice {

struct PostgresObjectStoreOptions {
  std::string conninfo;  ///< postgresql://… or libpq key=value pairs
  bool migrate = true;   ///< create or upgrade the schema on connecting
  /// For each address of each host, unless the conninfo (or PGCONNECT_TIMEOUT) says otherwise.
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds statement_timeout{10'000};
  std::chrono::milliseconds reconnect_max{2'000};  ///< longest pause between attempts to connect

  /// Off: transactions of many rows do not wait for the server's write-ahead log (WAL) at commit.
  /// They complete when the server has flushed the WAL by itself, or are flushed once after the
  /// last of several. Durability is the same, but the pipeline must be allowed more transactions
  /// (PipelineOptions::full_batches_in_flight). Worthwhile where a flush takes long. Needs
  /// pg_current_wal_flush_lsn(), and the right to call pg_logical_emit_message(), which all users
  /// have by default.
  bool synchronous_commit = true;

  /// Set if several queues share the tables: the queue that this store writes for. Without it the
  /// store is the only writer of its tables.
  std::optional<PostgresInstance> instance{};
};

/// Tables in the connection's first schema: objects, dead_letters, view online_objects;
/// bookkeeping tables start with postoffice_. One connection writes, in order; one reads.
/// Never blocks the loop (sessions are opened on a separate thread, since libpq waits for name
/// servers and files); reconnects without limit, and logs each change of state once.
///
/// Durability: apply() completes when the server has the WAL on stable storage, whatever the
/// server's default for synchronous_commit.
/// Threads: all methods may be called from any thread; completions run on the loop's thread.
///
/// Lifetime: the destructor is the stop. It may run on any thread, whether the loop runs or not,
/// also inside a completion. Calls that have not ended fail with Error::stopped, on that thread;
/// their outcome at the server is unknown. No completion runs after it has returned; one that runs
/// before may call the store, and the call is refused. So do not hold a lock during it that a
/// completion takes. The loop must outlive the store; all other parts may be destroyed before or
/// after it.
class PostgresObjectStore final : public ReadableObjectStore {
 public:
  /// Throws std::invalid_argument if libpq cannot parse the conninfo; the message names an unknown
  /// option.
  PostgresObjectStore(EventLoop& loop, PostgresObjectStoreOptions options, Log log = {});
  ~PostgresObjectStore() override;

  void apply(Changes changes, ApplyDone done) override;
  void expire(Expiry expiry, ExpireDone done) override;
  void find(ObjectQuery query, FindDone done) override;
  void find_dead_letters(DeadLetterQuery query, DeadLettersDone done) override;
  void count(CountQuery query, CountDone done) override;

  /// Whether the server answers, also while the store is idle. From any thread; does not wait.
  StoreStatus status() const;

  /// Takes a conninfo that differs only in credentials (user, password, passfile, certificates),
  /// for the next session; without a session it connects at once. Returns false and does nothing if
  /// more differs. Throws as the constructor does. From any thread.
  bool use_credentials(const std::string& conninfo);

  // For an instance; without one these do nothing and complete.

  /// The newest status known. From any thread.
  PostgresInstanceStatus instance_status() const;

  /// PostgresInstanceStatus::fenced, without taking a lock.
  bool fenced() const noexcept;

  using LeaveDone = std::function<void(std::error_code)>;

  /// Call it when the queue was stopped and everything stamped before `watermark`, the time of its
  /// clock, is in the store. Deletes then proceed as if that clock ran on. The next expire() or
  /// registration undoes this.
  void leave(Timestamp watermark, LeaveDone done);

  /// Call it when a publisher has said goodbye and everything it sent to this shard is in the
  /// store.
  void remove_publisher(std::uint64_t publisher, LeaveDone done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Creates or upgrades the schema, once, blocking. Safe to run twice and at the same time from
/// several processes. Errors: unavailable, authentication, permission, schema; bad_options for a
/// pooler that does not keep a session.
Failure migrate_postgres(const std::string& conninfo);

/// What a server says about itself, to a session as this conninfo opens it.
struct PostgresFacts {
  std::string version{};             ///< "15.4"
  std::string schema{};              ///< the tables' one; empty: the search path leads nowhere
  bool has_tables = false;           ///< the table objects exists there …
  bool may_use_tables = false;       ///< … and may be read and written
  bool may_create_tables = false;    ///< in that schema
  bool read_only = false;            ///< a standby, or transactions that may not write
  std::string synchronous_commit{};  ///< as the server has it for this session
  bool flushes = true;               ///< fsync and full_page_writes are on
};

/// Looks once, blocking; changes nothing. Errors as migrate_postgres().
Result<PostgresFacts> look_at_postgres(const std::string& conninfo);

/// Checks once, blocking, that connecting works and gives a session of its own; changes nothing.
Failure check_postgres(const std::string& conninfo);

}  // namespace postoffice
