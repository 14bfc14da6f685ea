// Owners of libpq's things, and how a session is opened.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace postoffice::postgres {

struct FinishSession {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Session = std::unique_ptr<PGconn, FinishSession>;
using Result = std::unique_ptr<PGresult, ClearResult>;

/// What libpq is given: the user's conninfo, and defaults for what that leaves open.
class ConnectOptions {
 public:
  /// Throws std::invalid_argument, without quoting a conninfo that may hold a password.
  /// `connect_timeout` is for each host.
  ConnectOptions(const std::string& conninfo, std::chrono::milliseconds connect_timeout);

  /// Begins to connect, without waiting. Never null, but for lack of memory.
  Session begin() const;

  /// The same, but for the one server that `session` has found.
  ConnectOptions same_server(PGconn* session) const;

  /// How many hosts are tried, one after the other.
  int hosts() const;

  /// "host:port", for messages.
  std::string server() const;

 private:
  const std::string* find(const std::string& keyword) const;
  void set_default(const std::string& keyword, const std::string& value);
  void set(const std::string& keyword, const char* value);

  std::vector<std::pair<std::string, std::string>> options_;
};

}  // namespace postoffice::postgres
