// A PostgreSQL server for tests: its conninfo comes from the environment, and each test gets a
// schema of its own.
#pragma once

#include <libpq-fe.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace postoffice::testing {

/// What tests/support/postgres_cluster.sh sets, or a user with a server at hand.
inline const char* postgres_conninfo() { return std::getenv("POSTOFFICE_TEST_POSTGRES"); }

/// Runs SQL on a connection of its own; gives the first value, or nothing. Throws what goes wrong.
inline std::string run_sql(const std::string& conninfo, const std::string& sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(conninfo.c_str()),
                                                                &PQfinish);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection.get(), sql.c_str()),
                                                             &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection.get()));
  }
  const bool has_value = PQntuples(result.get()) > 0 && PQnfields(result.get()) > 0;
  return has_value ? PQgetvalue(result.get(), 0, 0) : "";
}

/// An empty schema that goes away with the object.
class PostgresSchema {
 public:
  PostgresSchema() {
    static std::atomic<int> count{0};
    name_ = "test_" + std::to_string(getpid()) + "_" + std::to_string(++count);
    run_sql(postgres_conninfo(), "CREATE SCHEMA " + name_);
  }

  ~PostgresSchema() {
    try {
      run_sql(postgres_conninfo(), "DROP SCHEMA " + name_ + " CASCADE");
    } catch (const std::runtime_error&) {
      // The server may be gone; the schema goes with the cluster.
    }
  }

  PostgresSchema(const PostgresSchema&) = delete;
  PostgresSchema& operator=(const PostgresSchema&) = delete;

  const std::string& name() const { return name_; }

  /// A conninfo with this schema as the first.
  std::string conninfo(const std::string& more = "") const {
    return std::string(postgres_conninfo()) + " options=-csearch_path=" + name_ + " " + more;
  }

  std::string run(const std::string& sql) const {
    return run_sql(postgres_conninfo(), "SET search_path = " + name_ + "; " + sql);
  }

 private:
  std::string name_;
};

}  // namespace postoffice::testing
