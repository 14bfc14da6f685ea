// Decides whether connections to the source are kept after their answer.
#pragma once

#include <chrono>
#include <cstddef>

#include "postoffice/defaults/http_object_source.hpp"

namespace postoffice::http {

/// If a server gives each connection a worker, every kept connection takes a worker away from
/// requests on new connections, which then wait until it is closed. No answer tells this. The signs
/// are: requests on new connections get no answer for much longer than usual, although kept
/// connections are idle, or are reused and answered at once; and as soon as a few kept ones are
/// closed, the new ones are answered.
///
/// So when new requests starve, a few connections are closed *on trial*. If a new request is then
/// answered within the usual time, that is a point against keeping; if not, trials become rarer.
/// After enough points in a row connections are closed after each answer, for a while; then keeping
/// is tried again, and the first point ends it, for twice as long. With other servers trials are
/// rare, and each costs a few connects.
///
/// Invariants: a trial closes at most `closed_on_trial` connections. A new request that is answered
/// without a trial while others are kept clears the points.
///
/// Threads: none of its own. Time is an argument.
class KeepAlivePolicy {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::time_point;
  using Span = Clock::duration;

  static constexpr std::size_t closed_on_trial = 8;
  static constexpr int enough = 4;     // points against keeping
  static constexpr int stale_run = 8;  // connections in a row that were closed when used again
  static constexpr Span stale_within =
      std::chrono::milliseconds(20);  // otherwise there was another reason
  static constexpr Span patience_min = std::chrono::milliseconds(50);
  static constexpr Span patience_max = std::chrono::seconds(5);
  static constexpr Span trial_pause_min = std::chrono::seconds(1);
  static constexpr Span trial_pause_max = std::chrono::seconds(60);
  static constexpr Span closing_min = std::chrono::seconds(60);
  static constexpr Span closing_max = std::chrono::minutes(16);

  explicit KeepAlivePolicy(SourceKeepAlive wanted) : wanted_(wanted) {}

  /// Whether connections are kept after their answer.
  bool keeps() const {
    return wanted_ == SourceKeepAlive::always ||
           (wanted_ == SourceKeepAlive::automatic && !closing_);
  }

  /// A request went out on a connection that has not had an answer yet ("new").
  void sent_on_new(Time now);
  void answered_on_new(Time sent, Time now);
  /// Such a request ended without an answer.
  void gone_on_new();
  void answered_on_kept(Time sent, Time now);
  /// A connection that was used again was closed without an answer.
  void stale(Time sent, Time now);
  /// A kept connection was closed, by either side.
  void freed(Time now);

  /// To be called every few ticks: how many of the idle connections are to be closed now.
  std::size_t to_close(Time now, std::size_t idle);

  /// Whether a connection that was just answered is to be closed for the running trial.
  bool take_from_trial();

  /// How long new requests must starve before something is tried.
  Span patience() const;

 private:
  bool starved(Time now) const { return new_ != 0 && now - new_since_ >= patience(); }
  void learn(Span latency);
  void begin_trial(Time now);
  void end_trial(Time now, bool answered);
  void close_for_a_while(Time now);
  void keep_on_probation(Time now);

  const SourceKeepAlive wanted_;
  Span usual_{};  // of an answer; zero: unknown

  std::size_t new_ = 0;     // requests on new connections without an answer
  Time new_since_{};        // none of them has been answered since
  std::size_t reused_ = 0;  // answers on kept connections since then
  Time freed_at_{};

  bool trial_ = false;
  Time trial_began_{};
  Time trial_ends_{};
  std::size_t trial_left_ = 0;  // connections it may still close
  int points_if_answered_ = 0;
  Time next_trial_{};
  Span trial_pause_ = trial_pause_min;

  int points_ = 0;
  int stale_ = 0;  // in a row

  bool closing_ = false;
  Time closing_until_{};
  Span closing_for_ = closing_min;
  Time probation_ends_{};
};

}  // namespace postoffice::http
