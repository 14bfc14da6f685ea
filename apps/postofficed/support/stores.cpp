#include "support/stores.hpp"

#include <stdexcept>
#include <utility>

#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#ifdef POSTOFFICED_SQLITE
#include "postoffice/defaults/sqlite_object_store.hpp"
#endif

namespace postofficed {
namespace {

using Made = Result<std::unique_ptr<postoffice::ReadableObjectStore>>;

#ifdef POSTOFFICED_SQLITE
Made make_sqlite_store(const std::string& path, postoffice::Log log) {
  return std::make_unique<postoffice::SqliteObjectStore>(postoffice::SqliteObjectStoreOptions{path},
                                                         std::move(log));
}
#else
constexpr const char* no_sqlite = "SQLite support is not built in: use PostgreSQL";

Made make_sqlite_store(const std::string&, const postoffice::Log&) {
  return misconfigured(std::string("store: ") + no_sqlite);
}
#endif

}  // namespace

Made make_store(const StoreLocation& location, bool migrate, postoffice::EventLoop& loop,
                postoffice::Log log, std::optional<postoffice::PostgresInstance> instance,
                bool synchronous_commit) {
  try {
    if (location.kind == StoreLocation::Kind::sqlite) {
      return make_sqlite_store(location.target, std::move(log));
    }
    postoffice::PostgresObjectStoreOptions options;
    options.conninfo = location.target;
    options.migrate = migrate;
    options.instance = std::move(instance);
    options.synchronous_commit = synchronous_commit;
    return std::make_unique<postoffice::PostgresObjectStore>(loop, options, std::move(log));
  } catch (const std::invalid_argument& error) {
    return misconfigured(std::string("store: ") + error.what());
  }
}

std::function<postoffice::StoreStatus()> store_status(const postoffice::ObjectStore* store) {
  if (const auto* postgres = dynamic_cast<const postoffice::PostgresObjectStore*>(store)) {
    return [postgres] { return postgres->status(); };
  }
#ifdef POSTOFFICED_SQLITE
  if (const auto* sqlite = dynamic_cast<const postoffice::SqliteObjectStore*>(store)) {
    return [sqlite] { return sqlite->status(); };
  }
#endif
  return {};
}

Failure migrate_store(const StoreLocation& location) {
  if (location.kind == StoreLocation::Kind::postgres)
    return postoffice::migrate_postgres(location.target);
#ifdef POSTOFFICED_SQLITE
  return postoffice::migrate_sqlite(location.target);
#else
  return misconfigured(no_sqlite);
#endif
}

}  // namespace postofficed
