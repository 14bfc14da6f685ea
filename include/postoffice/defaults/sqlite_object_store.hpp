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
/// synchronous=FULL; other programs may read the file meanwhile. Opens the file again and again
/// until it works, like a server that is down.
///
/// Threads: all methods from any thread; completions on the store's own threads.
///
/// Lifetime: the destructor is the stop. What is under way ends, what waits fails with
/// Error::stopped, and no completion runs any more when it returns; one that runs meanwhile may
/// call the store, and is refused. Any thread may destroy it, but not inside a completion, or with
/// a lock held that one takes. It needs no other part.
class SqliteObjectStore final : public ReadableObjectStore {
 public:
  explicit SqliteObjectStore(SqliteObjectStoreOptions options, Log log = {});
  ~SqliteObjectStore() override;

  void apply(Changes changes, ApplyDone done) override;
  void expire(Expiry expiry, ExpireDone done) override;
  void find(ObjectQuery query, FindDone done) override;
  void find_dead_letters(std::optional<ObjectId> after, std::size_t limit,
                         DeadLettersDone done) override;

  /// Whether the newest thing that was written worked: from any thread, at once.
  StoreStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Creates or upgrades the schema, once, blocking. Errors as migrate_postgres().
Failure migrate_sqlite(const std::string& path);

}  // namespace postoffice
