// Whether a session of ours is one session of the server, all the time.
#pragma once

#include "postgres/open_session.hpp"

namespace postoffice::postgres {

/// open_session(), and looks who stands between us and the server. A pooler that gives the server's
/// session to others between transactions is refused: settings and prepared statements of ours
/// would be found by others, and theirs by us. Sets nothing, so that nothing is left with others.
/// What cannot be found out in time is no failure.
Opened open_own_session(const ConnectOptions& options, Attempt& attempt);

}  // namespace postoffice::postgres
