// Opens a session on a thread of its own, since libpq waits for name servers and files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "postgres/open_session.hpp"

namespace postoffice::postgres {

/// One attempt. The destructor waits only a moment for the thread: if a name server or a file
/// system holds it up, the thread continues alone, and closes the session that it gets in the end.
/// It uses only its own data then.
///
/// Threads: all methods from any.
class Opener {
 public:
  /// Called on the attempt's thread, and not after abandon() has returned. May not call this.
  using Done = std::function<void(Opened)>;

  Opener(const ConnectOptions& options, Done done);
  ~Opener() { abandon(); }
  Opener(const Opener&) = delete;
  Opener& operator=(const Opener&) = delete;

  /// The session is no longer wanted.
  void abandon();

  /// What it is doing, for people.
  std::string waits_for() const;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state, const ConnectOptions& options);

  std::shared_ptr<State> state_;
};

}  // namespace postoffice::postgres
