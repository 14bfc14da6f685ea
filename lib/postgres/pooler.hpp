// Checks that a session stays on one session of the server.
#pragma once

#include "postgres/open_session.hpp"

namespace postoffice::postgres {

/// As open_session(), and checks for a pooler between this program and the server. One that gives
/// the server's session to others between transactions is refused: others would see our settings
/// and prepared statements, and we theirs. The check sets nothing, so it leaves nothing behind for
/// others. If it does not finish in time, that is not a failure.
Opened open_own_session(const ConnectOptions& options, Attempt& attempt);

}  // namespace postoffice::postgres
