// The state of a session for other threads: up, or down since when and why.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "postoffice/store_status.hpp"

namespace postoffice::postgres {

/// Has its own lock, held only briefly: pages can read it whatever the store does.
///
/// A server is down if it has refused the newest attempt, or has not answered a request or a
/// connect for `patience`. A session that ends and is reopened at once was never down.
class SessionHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds patience{4'000};

  explicit SessionHealth(Time now) : last_answer_(now) {}

  /// An answer is awaited from now on, if none was.
  void asked(Time now);
  /// The server has answered; `more`: further answers are awaited.
  void answered(Time now, bool more);
  /// An attempt begins, after a failure or after an ordinary end of a session.
  void connecting(Time now);
  void failed(Time now, std::string reason);
  /// The server answers, but refuses requests; empty: no longer.
  void refuses(std::string reason);
  void set_server(std::string server);
  /// What a connection attempt is waiting for.
  void waits_for(std::string what);

  StoreStatus status(Time now) const;

 private:
  bool silent(Time now) const { return awaited_ && now - awaited_since_ >= patience; }

  mutable std::mutex mutex_;
  bool reached_ = false;
  bool awaited_ = false;
  Time awaited_since_{};
  Time last_answer_;
  std::string reason_;  // of the newest failure, until a request succeeds
  std::string refusal_;
  std::string waits_for_;
  std::string server_;
};

}  // namespace postoffice::postgres
