// How many connections may be opened at the same time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace postoffice::http {

/// A server with a short accept queue drops what does not fit; the kernel repeats it after a
/// second, then after two more. That is no fault of any object, so no fetch ends for it: fewer are
/// opened at a time, as few as one, and one more for each that was quick.
///
/// Threads: none of its own. Time is an argument.
class ConnectWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::steady_clock::duration;

  /// Longer than any way to a source and back, shorter than the kernel's first pause.
  static constexpr Span slow = std::chrono::milliseconds(900);
  /// Those that were begun together are dropped together: that counts once.
  static constexpr Span once_in = std::chrono::milliseconds(900);
  /// Who was heard of within this is alive.
  static constexpr Span alive_for = std::chrono::seconds(5);

  explicit ConnectWindow(std::size_t most) : most_(most), size_(most) {}

  std::size_t size() const { return size_; }
  bool alive(Time now) const { return heard_ && now - heard_at_ < alive_for; }

  void heard(Time now) {
    heard_ = true;
    heard_at_ = now;
  }

  void connected(Time began, Time now) {
    heard(now);
    if (now - began >= slow) return shrink(now);
    size_ = std::min(size_ + 1, most_);
  }

  /// A connect was not answered at all.
  void lost(Time now) { shrink(now); }

 private:
  void shrink(Time now) {
    if (shrunk_ && now - shrunk_at_ < once_in) return;
    shrunk_ = true;
    shrunk_at_ = now;
    size_ = std::max<std::size_t>(size_ / 4, 1);
  }

  const std::size_t most_;
  std::size_t size_;
  bool heard_ = false;
  bool shrunk_ = false;
  Time heard_at_{};
  Time shrunk_at_{};
};

}  // namespace postoffice::http
