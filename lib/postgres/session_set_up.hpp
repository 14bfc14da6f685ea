// Prepares a session for use: its settings, the schema, its statements, and a check for a proxy
// between this program and the server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "postgres/failure.hpp"
#include "postgres/request_pipeline.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace postoffice::postgres {

/// Threads: the connection's lock.
class SessionSetUp {
 public:
  SessionSetUp(std::string script, Purpose purpose)
      : script_(std::move(script)), purpose_(purpose) {}

  /// Sends the script. False if the session failed; so do the others.
  bool begin(PGconn* session);
  /// Call it when data has arrived. A value means that the script has ended, with that failure or
  /// successfully.
  std::optional<Failure> read(PGconn* session);
  /// Sends the statements through `requests`. Calls `done` with the verdict; does not call it if
  /// one of the requests fails.
  bool prepare(PGconn* session, RequestPipeline& requests,
               std::function<void(const Failure&)> done);

  /// Whether the session's encoding can represent every text.
  bool is_unicode() const { return unicode_; }

 private:
  void note_transaction(const std::vector<Result>& results);
  Failure verdict() const;

  const std::string script_;
  const Purpose purpose_;
  bool unicode_ = true;
  std::string transaction_;  // id of the newest one seen
  bool same_twice_ = false;
};

}  // namespace postoffice::postgres
