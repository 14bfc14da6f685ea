// Objects in an SQLite file: the embedded default. Component postoffice::sqlite.
#pragma once

#include <memory>
#include <string>
#include <system_error>

#include "postoffice/log.hpp"
#include "postoffice/object_reader.hpp"
#include "postoffice/result.hpp"
#include "postoffice/store_status.hpp"

namespace postoffice {

struct SqliteObjectStoreOptions {
  std::string path;  ///< the directory must exist
};

/// The same tables as in PostgreSQL; times are INTEGER microseconds since the epoch, UTC. WAL with
/// synchronous=FULL; other programs may read the file meanwhile. Retries opening the file until
/// that works, as with a server that is down.
///
/// Threads: all methods may be called from any thread; completions run on the store's own threads.
///
/// Lifetime: the destructor is the stop. Calls under way end, waiting calls fail with
/// Error::stopped, and no completion runs after it has returned; one that runs before may call the
/// store, and the call is refused. Any thread may destroy the store, but not inside a completion,
/// nor while holding a lock that a completion takes. The store needs no other part.
class SqliteObjectStore final : public ReadableObjectStore {
 public:
  explicit SqliteObjectStore(SqliteObjectStoreOptions options, Log log = {});
  ~SqliteObjectStore() override;

  void apply(Changes changes, ApplyDone done) override;
  void expire(Expiry expiry, ExpireDone done) override;
  void find(ObjectQuery query, FindDone done) override;
  void find_dead_letters(DeadLetterQuery query, DeadLettersDone done) override;
  void count(CountQuery query, CountDone done) override;

  /// Whether the newest write succeeded. From any thread; does not wait.
  StoreStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Creates or upgrades the schema, once, blocking. Errors as migrate_postgres().
Failure migrate_sqlite(const std::string& path);

}  // namespace postoffice
