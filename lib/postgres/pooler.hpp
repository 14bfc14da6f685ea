// Whether a session of ours is one session of the server, all the time.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/session.hpp"

namespace postoffice::postgres {

/// Asks for the process behind a session.
inline constexpr const char* server_process = "SELECT pg_backend_pid()";

/// What speaks the protocol itself greets with a process number of its own. Then something stands
/// between us and the server, and whether it leaves us our session is to be found out.
bool is_behind_pooler(PGconn* session, const std::string& answer);

/// A pooler that gives the server's session to others between transactions is refused: settings and
/// prepared statements of ours would be found by others, and theirs by us. Looks at two sessions in
/// turn, for one alone is often given the same one back. Sets nothing, so that nothing is left with
/// others. Waits, for `limit` at most; what cannot be found out within that is no failure.
Failure check_pooler(PGconn* session, const ConnectOptions& options,
                     std::chrono::milliseconds limit);

/// check_pooler() on a thread of its own.
class PoolerCheck {
 public:
  PoolerCheck(Session session, const ConnectOptions& options);
  ~PoolerCheck();
  PoolerCheck(const PoolerCheck&) = delete;
  PoolerCheck& operator=(const PoolerCheck&) = delete;

  /// Becomes readable when the check is done.
  int descriptor() const;

  /// When it is done: the session, and what was found.
  Session take(Failure& failure);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // the thread has it, too, and may outlive us
};

}  // namespace postoffice::postgres
