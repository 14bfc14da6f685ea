// libpq's calls that do not wait, waited for: for commands that run once, and for threads of their
// own.
#pragma once

#include <chrono>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/session.hpp"

namespace postoffice::postgres {

using Deadline = std::chrono::steady_clock::time_point;

/// Goes on with a session that was begun, until it is open.
Failure finish_connecting(PGconn* session, Deadline deadline);

/// One statement; the first column of its first row, empty where there is none.
Failure ask(PGconn* session, const char* statement, Deadline deadline, std::string& answer);

}  // namespace postoffice::postgres
