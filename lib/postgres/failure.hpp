// Why a connection or a statement failed.
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

/// For the store's caller: the SQLSTATE and the server's message.
StoreFailure words_of(const Failure& failure);

/// Whether a row, or a lock on it, may be the cause, so that other rows can be written.
bool may_be_about_rows(const Failure& failure);

/// The statement took too long or was cancelled.
bool is_timeout(const Failure& failure);

/// The error code for a SQLSTATE.
std::error_code error_of_state(std::string_view state);

Failure failure_of(const PGresult* result);

/// For a connection that failed, or was lost.
Failure failure_of(PGconn* connection);

/// One that ends the session.
Failure lost(std::error_code code, std::string message, std::string state = {});

/// The server does not answer, or cannot be reached.
Failure unavailable(std::string message);

/// The session was ended, by the server or on the network; the request is not the cause.
bool ended_session(const Failure& failure);

/// The first line of `text`, without a leading severity.
std::string first_line(std::string_view text);

}  // namespace postoffice::postgres
