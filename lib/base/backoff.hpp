// Pauses between attempts: exponential back-off.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <random>

namespace postoffice {

/// A pause that doubles with each failure in a row, up to a limit. Span: a std::chrono::duration.
template <typename Span>
class Backoff {
 public:
  constexpr Backoff(Span first, Span last) : first_(first), last_(last) {}

  /// The pause behind a failure that has so many before it.
  constexpr Span after(int failures) const {
    // 2^20 times any sensible pause is beyond any sensible limit; more would overflow.
    return std::min<Span>(last_, first_ * (std::int64_t{1} << std::clamp(failures, 0, 20)));
  }

  /// The pause that next() would give.
  Span peek() const { return after(failures_); }
  /// The pause behind one more failure.
  Span next() { return after(failures_ < 20 ? failures_++ : failures_); }
  /// It has worked.
  void reset() { failures_ = 0; }

  /// Any span of these with the same probability, so that those who failed together do not come
  /// back together ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
  template <typename Random>
  static Span spread(Span least, Span most, Random& random) {
    assert(least <= most);
    std::uniform_int_distribution<typename Span::rep> any(least.count(), most.count());
    return Span(any(random));
  }

 private:
  Span first_;
  Span last_;
  int failures_ = 0;  // in a row
};

}  // namespace postoffice
