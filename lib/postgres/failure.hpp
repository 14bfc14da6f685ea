// What went wrong with a connection or a statement.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <system_error>

#include "postoffice/object_store.hpp"
#include "postoffice/result.hpp"

namespace postoffice::postgres {

/// What the rest of the library calls a failure, and what only this folder wants to know of it.
struct Failure : postoffice::Failure {
  using postoffice::Failure::Failure;

  std::string state;       ///< SQLSTATE, if the server said one
  bool reconnect = false;  ///< this session is of no more use
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

/// One that ends the session.
Failure lost(std::error_code code, std::string message, std::string state = {});

/// The server says nothing, or cannot be reached.
Failure unavailable(std::string message);

/// The session was ended, by the server or on the way; nothing is wrong with what was asked.
bool ended_session(const Failure& failure);

/// The first line of `text`, without a leading severity.
std::string first_line(std::string_view text);

}  // namespace postoffice::postgres
