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

#ifdef POSTOFFICED_SQLITE
std::unique_ptr<postoffice::ReadableObjectStore> make_sqlite_store(const std::string& path,
                                                                   postoffice::Log log,
                                                                   std::string&) {
  return std::make_unique<postoffice::SqliteObjectStore>(postoffice::SqliteObjectStoreOptions{path},
                                                         std::move(log));
}

std::error_code migrate_sqlite_store(const std::string& path, std::string& message) {
  return postoffice::migrate_sqlite(path, message);
}
#else
constexpr const char* no_sqlite = "SQLite support is not built in: use PostgreSQL";

std::unique_ptr<postoffice::ReadableObjectStore> make_sqlite_store(const std::string&,
                                                                   postoffice::Log,
                                                                   std::string& problem) {
  problem = no_sqlite;
  return nullptr;
}

std::error_code migrate_sqlite_store(const std::string&, std::string& message) {
  message = no_sqlite;
  return postoffice::Error::bad_options;
}
#endif

}  // namespace

std::unique_ptr<postoffice::ReadableObjectStore> make_store(
    const StoreLocation& location, bool migrate, postoffice::EventLoop& loop, postoffice::Log log,
    std::string& problem, std::optional<postoffice::PostgresInstance> instance,
    bool synchronous_commit) {
  try {
    if (location.kind == StoreLocation::Kind::sqlite) {
      return make_sqlite_store(location.target, std::move(log), problem);
    }
    postoffice::PostgresObjectStoreOptions options;
    options.conninfo = location.target;
    options.migrate = migrate;
    options.instance = std::move(instance);
    options.synchronous_commit = synchronous_commit;
    return std::make_unique<postoffice::PostgresObjectStore>(loop, options, std::move(log));
  } catch (const std::invalid_argument& error) {
    problem = error.what();
    return nullptr;
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

std::error_code check_store(const StoreLocation& location, std::string& message) {
  if (location.kind == StoreLocation::Kind::sqlite) return {};
  return postoffice::check_postgres(location.target, message);
}

std::error_code migrate_store(const StoreLocation& location, std::string& message) {
  if (location.kind == StoreLocation::Kind::sqlite) {
    return migrate_sqlite_store(location.target, message);
  }
  return postoffice::migrate_postgres(location.target, message);
}

}  // namespace postofficed
