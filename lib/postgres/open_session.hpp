// Opens a session, however long it takes: for a thread that may wait.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/session.hpp"

namespace postoffice::postgres {

/// One attempt, as others see it while it runs. All methods from any thread.
class Attempt {
 public:
  Attempt();
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// It ends soon, unless a name server or a file does not answer.
  void cancel();
  bool cancelled() const { return cancelled_; }

  /// What it is doing, for people.
  std::string waits_for() const;
  void set_waits_for(std::string what);

  /// A descriptor that becomes readable when it is cancelled.
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::string waits_for_;
};

struct Opened {
  Session session{};     ///< null when it failed
  Failure failure{};     ///< why
  std::string server{};  ///< "host:port", also where a service file or the environment names it
};

/// Blocks: libpq looks up names and reads files (services, passwords, certificates) as it connects.
///
/// Hosts are tried in turn as by libpq's own blocking connect, with target_session_attrs and
/// similar options. An address that does not answer within connect_timeout is left out, and the
/// others, including other addresses of the same host, are tried anew.
Opened open_session(const ConnectOptions& options, Attempt& attempt);

/// Waits until the server sends something: false if it does not in time, or the attempt was
/// cancelled.
bool wait_for_input(PGconn* session, const Attempt& attempt,
                    std::chrono::steady_clock::time_point deadline);

}  // namespace postoffice::postgres
