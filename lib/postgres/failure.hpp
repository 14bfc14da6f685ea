// What went wrong with a connection or a statement.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <system_error>

#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

struct Failure {
  std::error_code code;    ///< none: all is well
  std::string state{};     ///< SQLSTATE, if the server said one
  std::string message{};   ///< one line, for people
  bool reconnect = false;  ///< this session is of no more use

  explicit operator bool() const { return static_cast<bool>(code); }
};

/// For who asked the store: the SQLSTATE and the server's words.
StoreFailure words_of(const Failure& failure);

/// It may be the fault of a row, or of who has locked it: then others can be written.
bool may_be_about_rows(const Failure& failure);

/// The statement took too long, or somebody ended it.
bool is_timeout(const Failure& failure);

/// The error of a SQLSTATE.
std::error_code error_of_state(std::string_view state);

Failure failure_of(const PGresult* result);

/// For a connection that failed, or was lost.
Failure failure_of(PGconn* connection);

/// The server says nothing, or cannot be reached.
Failure unavailable(std::string message);

/// The session was ended, by the server or on the way; nothing is wrong with what was asked.
bool ended_session(const Failure& failure);

/// The first line of `text`, without a leading severity.
std::string first_line(std::string_view text);

}  // namespace postoffice::postgres
