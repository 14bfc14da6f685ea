// Owners of libpq's objects, and the options with which libpq opens a session.
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

/// Keywords of a conninfo with their values.
using ConnectList = std::vector<std::pair<std::string, std::string>>;

/// The value of `keyword`, or null.
const std::string* find(const ConnectList& list, const std::string& keyword);

/// The user's conninfo, with defaults for options that it does not set.
class ConnectOptions {
 public:
  /// Throws std::invalid_argument, without quoting a conninfo that may hold a password; an option
  /// that does not exist is named. Reads no file and looks up no name.
  ConnectOptions(const std::string& conninfo, std::chrono::milliseconds connect_timeout,
                 std::chrono::milliseconds statement_timeout);

  const ConnectList& list() const { return list_; }

  /// For each address, unless the conninfo says otherwise.
  std::chrono::milliseconds connect_timeout() const { return connect_timeout_; }

  /// The same for the one server that `session` has found, with this limit for connecting.
  ConnectOptions same_server(PGconn* session, std::chrono::seconds limit) const;

  /// Whether `other` differs at most in credentials (user, password, certificate).
  bool same_database(const ConnectOptions& other) const;

 private:
  void set_default(const std::string& keyword, const std::string& value);

  ConnectList list_;
  std::chrono::milliseconds connect_timeout_;
};

}  // namespace postoffice::postgres
