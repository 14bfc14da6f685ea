// Limits how many connections are opened at the same time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace postoffice::http {

/// A server with a short accept queue drops the connects that do not fit, and the kernel repeats
/// those only after a second. No object is at fault, so no fetch fails because of it. A connect
/// that takes much longer than others is given up, and fewer are begun at a time, as in TCP's
/// congestion control: the window halves with each loss, grows by one with each quick connect, and
/// grows slowly beyond the size of the last loss.
///
/// Invariants: 1 <= size() <= most. Before the first answer of the source, and while it is silent,
/// the usual timeout applies.
///
/// Threads: none of its own. Time is an argument.
class ConnectWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::steady_clock::duration;

  static constexpr std::size_t at_first = 16;
  /// A connect is given up after this many times the usual span, but not before `stuck_min`.
  static constexpr int stuck_factor = 8;
  static constexpr Span stuck_min = std::chrono::milliseconds(100);
  static constexpr Span anew_min = std::chrono::microseconds(500);
  /// The source is alive if it has answered within this span.
  static constexpr Span alive_for = std::chrono::seconds(5);

  explicit ConnectWindow(std::size_t most)
      : most_(most), size_(std::min(most, at_first)), threshold_(most) {}

  std::size_t size() const { return size_; }
  bool alive(Time now) const { return heard_ && now - heard_at_ < alive_for; }

  /// After how long a connect is given up.
  Span stuck_after(Time now, Span timeout) const {
    if (!alive(now)) return timeout;
    return std::clamp(stuck_factor * usual_, std::min(stuck_min, timeout), timeout);
  }

  /// Call it when a new connection was answered, so the server has room for another: whether a
  /// connect begun at `began` was probably dropped, so that a new one is better than waiting.
  bool better_anew(Time began, Time now) const {
    return lost_ && now - began > std::max<Span>(stuck_factor * usual_, anew_min);
  }

  /// An answer came.
  void heard(Time now) {
    heard_ = true;
    heard_at_ = now;
  }

  void connected(Time began, Time now) {
    const Span took = now - began;
    usual_ = heard_ ? usual_ + (took - usual_) / 8 : took;
    heard(now);
    if (size_ >= threshold_ && ++since_growth_ < size_) return;
    since_growth_ = 0;
    size_ = std::min(size_ + 1, most_);
  }

  /// A connect was given up. Connects begun together are lost together, which counts once.
  void lost(Time now) {
    if (lost_ && now - lost_at_ < stuck_min) return;
    lost_ = true;
    lost_at_ = now;
    size_ = threshold_ = std::max<std::size_t>(size_ / 2, 1);
    since_growth_ = 0;
  }

 private:
  const std::size_t most_;
  std::size_t size_;
  std::size_t threshold_;  // beyond it the window grows slowly
  std::size_t since_growth_ = 0;
  Span usual_{};  // of a connect
  bool heard_ = false;
  bool lost_ = false;
  Time heard_at_{};
  Time lost_at_{};
};

}  // namespace postoffice::http
