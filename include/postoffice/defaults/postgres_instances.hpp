// The instances that share the tables of one PostgreSQL database: for those who look after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/log.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

/// One row of postoffice_instances.
struct PostgresInstanceRow {
  std::uint64_t publisher = 0;  ///< 0: the row of a shard
  int shard = -1;               ///< -1: a file queue
  std::string name;             ///< of the process that registered it last
  std::int64_t epoch = 0;
  Timestamp watermark = Timestamp::min();  ///< min(): it has not told any
  Timestamp beat{};                        ///< when it last told, by the server's clock
  std::optional<Timestamp> stopped{};      ///< since when its watermark goes on by itself

  /// "0123456789abcdef" for what a publisher has, "shard-3" for a shard: what retire() takes.
  std::string id() const;
};

struct PostgresInstanceList {
  Timestamp now{};  ///< the server's clock
  std::vector<PostgresInstanceRow> rows;
};

/// One connection, opened with the first call, and again after a failure. Of the options the
/// instance is not used.
///
/// Threads: all methods from any thread; completions on the loop's thread, one for each call.
/// Lifetime: as PostgresObjectStore.
class PostgresInstances {
 public:
  using ListDone = std::function<void(std::error_code, PostgresInstanceList)>;
  using RetireDone = std::function<void(std::error_code, std::size_t rows)>;
  using RegisterDone = std::function<void(std::error_code, Timestamp)>;
  using WorkersDone = std::function<void(std::error_code, std::vector<std::string>)>;

  /// Throws std::invalid_argument if libpq cannot parse the conninfo.
  PostgresInstances(EventLoop& loop, PostgresObjectStoreOptions options, Log log = {});
  ~PostgresInstances();

  /// As PostgresObjectStore::use_credentials().
  bool use_credentials(const std::string& conninfo);

  void list(ListDone done);

  /// Removes the rows of the instance with this name or id, so that deletes no longer wait for it,
  /// and fences it. What it holds and has not stored is stored later all the same, unless it has
  /// expired by then. Sessions it has left are ended.
  void retire(std::string name_or_id, RetireDone done);

  /// A publisher that is about to fill the shards 0 to shards-1. Its clock must not stamp below
  /// the time given back (Timestamp::min(): any will do). Registering again changes the name only.
  void register_publisher(std::uint64_t publisher, std::string name, int shards, RegisterDone done);

  /// Says that the worker `name` lives, and asks who does: those that said so within five seconds,
  /// in the order of their names.
  void beat_worker(std::string name, WorkersDone done);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace postoffice
