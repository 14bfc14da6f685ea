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

  /// Off: transactions of many rows do not wait for the server's log at their commit, and complete
  /// when the log has been flushed by itself, or at once behind the last of several. Nothing is
  /// less durable, but a pipeline must be allowed more of them
  /// (PipelineOptions::full_batches_in_flight). Pays where a flush takes long. Needs the server's
  /// pg_current_wal_flush_lsn(), and the right to call pg_logical_emit_message(), which all have
  /// by default.
  bool synchronous_commit = true;

  /// Several queues share the tables, and this is the one that the store writes for. Without it the
  /// store has the tables for itself.
  std::optional<PostgresInstance> instance{};
};

/// Tables in the connection's first schema: objects, dead_letters, view online_objects;
/// bookkeeping tables start with postoffice_. One connection writes, in order; one reads.
/// Non-blocking on the loop (sessions are opened on a thread aside, since libpq waits for name
/// servers and files); reconnects for ever, and logs each change of state once.
///
/// Durability: apply() completes when the server has its log on stable storage, whatever its
/// default of synchronous_commit.
/// Threads: all methods from any thread; completions on the loop's thread.
///
/// Lifetime: the destructor is the stop. It may run on any thread, while the loop runs or stands
/// still, also inside a completion. What has not ended fails with Error::stopped, on that thread;
/// what the server does with it is not known. No completion runs any more when it returns; one that
/// runs meanwhile may call the store, and is refused. So hold no lock in it that one takes. The
/// loop must outlive the store; all other parts may go before or after it.
class PostgresObjectStore final : public ReadableObjectStore {
 public:
  /// Throws std::invalid_argument if libpq cannot parse the conninfo; it names an unknown option.
  PostgresObjectStore(EventLoop& loop, PostgresObjectStoreOptions options, Log log = {});
  ~PostgresObjectStore() override;

  void apply(Changes changes, ApplyDone done) override;
  void expire(Expiry expiry, ExpireDone done) override;
  void find(ObjectQuery query, FindDone done) override;
  void find_dead_letters(std::optional<ObjectId> after, std::size_t limit,
                         DeadLettersDone done) override;

  /// Whether the server answers, also while nothing is asked of it: from any thread, at once.
  StoreStatus status() const;

  /// A conninfo that differs in who we are only (user, password, passfile, certificates): for the
  /// next session, and at once while there is none. False if it differs in more, and nothing
  /// happens. Throws as the constructor. From any thread.
  bool use_credentials(const std::string& conninfo);

  // For an instance; without one they do nothing and complete.

  /// The newest that is known, any thread.
  PostgresInstanceStatus instance_status() const;

  /// Of that, whether it is fenced; without waiting for anybody.
  bool fenced() const noexcept;

  using LeaveDone = std::function<void(std::error_code)>;

  /// The queue was stopped, and everything stamped before `watermark`, its clock, is in the store:
  /// deletes go on as if that clock did. The next expire() or registration takes this back.
  void leave(Timestamp watermark, LeaveDone done);

  /// A publisher has said goodbye, and everything it sent to this shard is in the store.
  void remove_publisher(std::uint64_t publisher, LeaveDone done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Creates or upgrades the schema, once, blocking. Safe to run twice and at the same time from
/// several processes. Errors: unavailable, authentication, permission, schema; bad_options for a
/// pooler that does not keep a session.
Failure migrate_postgres(const std::string& conninfo);

/// Whether one can connect and keep a session of one's own, once, blocking; changes nothing.
Failure check_postgres(const std::string& conninfo);

}  // namespace postoffice
