// Opens a session on a thread of its own, since libpq waits for name servers and files.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "postgres/open_session.hpp"

namespace postoffice::postgres {

/// One attempt. The thread is never waited for longer than a moment: what a name server or a file
/// system holds up goes on by itself, and closes what it gets in the end. All that it touches then
/// is its own.
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

  /// Nobody wants the session any more.
  void abandon();

  /// What it is doing, for people.
  std::string waits_for() const;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state, const ConnectOptions& options);

  std::shared_ptr<State> state_;
};

}  // namespace postoffice::postgres
