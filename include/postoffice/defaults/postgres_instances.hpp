// Administration of the instances that share the tables of one PostgreSQL database.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/log.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

/// One row of postoffice_instances.
struct PostgresInstanceRow {
  std::uint64_t publisher = 0;  ///< 0: the row of a shard
  int shard = -1;               ///< -1: a file queue
  std::string name;             ///< of the process that registered it last
  std::int64_t epoch = 0;
  Timestamp watermark = Timestamp::min();  ///< min(): none recorded yet
  Timestamp beat{};                        ///< when it last wrote, by the server's clock
  std::optional<Timestamp>
      stopped{};  ///< when it stopped; from then on its watermark advances with the server's clock

  /// "0123456789abcdef" for a publisher, "shard-3" for a shard; retire() takes it.
  std::string id() const;
};

struct PostgresInstanceList {
  Timestamp now{};  ///< the server's clock
  std::vector<PostgresInstanceRow> rows;
};

/// As in PostgresObjectStoreOptions, where the members are explained.
struct PostgresInstancesOptions {
  std::string conninfo;
  bool migrate = true;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds statement_timeout{10'000};
  std::chrono::milliseconds reconnect_max{2'000};
};

/// Uses one connection, opened with the first call, and again after a failure.
///
/// Threads: all methods may be called from any thread; each call has one completion, on the loop's
/// thread. Lifetime: as PostgresObjectStore.
class PostgresInstances {
 public:
  using ListDone = std::function<void(std::error_code, PostgresInstanceList)>;
  using RetireDone = std::function<void(std::error_code, std::size_t rows)>;
  using RegisterDone = std::function<void(std::error_code, Timestamp)>;
  using WorkersDone = std::function<void(std::error_code, std::vector<std::string>)>;

  /// Throws std::invalid_argument if libpq cannot parse the conninfo.
  PostgresInstances(EventLoop& loop, PostgresInstancesOptions options, Log log = {});
  ~PostgresInstances();

  /// As PostgresObjectStore::use_credentials().
  bool use_credentials(const std::string& conninfo);

  void list(ListDone done);

  /// Removes the rows of the instance with this name or id, so that deletes no longer wait for it,
  /// and fences it. If it returns, it still stores what it held, except what has expired by then.
  /// Its remaining sessions are terminated.
  void retire(std::string name_or_id, RetireDone done);

  /// Registers a publisher before it fills the shards 0 to shards-1. Its clock must not stamp below
  /// the time given to `done` (Timestamp::min(): no restriction). Registering again changes only
  /// the name.
  void register_publisher(std::uint64_t publisher, std::string name, int shards, RegisterDone done);

  /// Records that the worker `name` is alive, and lists the workers that did so within the last
  /// five seconds, sorted by name.
  void beat_worker(std::string name, WorkersDone done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
