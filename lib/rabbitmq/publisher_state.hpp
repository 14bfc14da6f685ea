// Where a publisher stands with its broker, and so what it may send.
#pragma once

#include <cstddef>
#include <system_error>

namespace postoffice::rabbitmq {

/// No threads and no broker in here. The connection goes through phases:
///
///   closed --opened--> greeting --greeted--> ready --closed--> closed
///
/// While greeting, a round of ticks (the hello) is on its way to every shard: until all have
/// confirmed it no callback is accepted, since a shard that has not heard of this publisher would
/// let its frontier pass what it stamps. Without ticks there is nobody to greet.
class PublisherState {
 public:
  struct Load {
    std::size_t callbacks;  ///< unconfirmed
    std::size_t messages;   ///< unconfirmed, of callbacks that are overdue, too
    std::size_t bytes;      ///< that the broker has not taken yet
  };

  PublisherState(bool ticks, const Load& limits) : ticks_(ticks), limits_(limits) {}

  void opened();
  void greeted();
  void closed();
  /// The broker has no room for what is published.
  void set_blocked(bool blocked) { blocked_ = blocked; }
  /// Another process publishes as this one.
  void set_hushed(bool hushed) { hushed_ = hushed; }
  void stop() { stopped_ = true; }

  /// Why no callback is accepted; none if one is. `needs_stamp`: it has no receipt time
  /// yet, so that ticks must vouch for the one it gets here.
  std::error_code refusal(bool needs_stamp, const Load& load) const;
  bool may_tick() const { return !stopped_ && !blocked_ && !hushed_; }
  bool may_say_goodbye() const { return ready() && ticks_ && !blocked_ && !hushed_; }

  bool open() const { return phase_ != Phase::closed; }
  bool ready() const { return phase_ == Phase::ready; }
  bool blocked() const { return blocked_; }

 private:
  enum class Phase { closed, greeting, ready };

  const bool ticks_;
  const Load limits_;
  Phase phase_ = Phase::closed;
  bool blocked_ = false;
  bool hushed_ = false;
  bool stopped_ = false;
};

}  // namespace postoffice::rabbitmq
