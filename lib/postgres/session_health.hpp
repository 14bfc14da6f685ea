// What is known of a session from outside: up, or down since when and why.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "postoffice/store_status.hpp"

namespace postoffice::postgres {

/// Has a lock of its own, held for a moment only: pages look at it whatever the store does.
///
/// Down is a server that has refused the newest attempt, and one that has been asked (or is being
/// connected to) and has said nothing for `patience`. A session that ends and is opened again at
/// once was never down.
class SessionHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds patience{4'000};

  explicit SessionHealth(Time now) : last_answer_(now) {}

  /// Something is awaited from now on, if nothing was.
  void asked(Time now);
  /// The server has said something; `more` is awaited.
  void answered(Time now, bool more);
  /// An attempt begins, after an end that nobody is to blame for, or after a failure.
  void connecting(Time now);
  void failed(Time now, std::string reason);
  /// It answers, but refuses what it is asked; empty when it no longer does.
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
  std::string reason_;  // of the newest failure, until something works
  std::string refusal_;
  std::string waits_for_;
  std::string server_;
};

}  // namespace postoffice::postgres
