// How a session becomes one that can be used: its settings, the schema, its statements, and a look
// at what stands between this program and the server.
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
  /// Something has arrived. With a value the script has ended, in that failure or well.
  std::optional<Failure> read(PGconn* session);
  /// Sends the statements. `done` with what the look at them came to, by way of `requests`; it is
  /// not called if one of these fails.
  bool prepare(PGconn* session, RequestPipeline& requests,
               std::function<void(const Failure&)> done);

  /// The session's encoding of text can hold everything.
  bool is_unicode() const { return unicode_; }

 private:
  void note_transaction(const std::vector<Result>& results);
  Failure verdict() const;

  const std::string script_;
  const Purpose purpose_;
  bool unicode_ = true;
  std::string transaction_;  // the newest that was seen
  bool same_twice_ = false;
};

}  // namespace postoffice::postgres
