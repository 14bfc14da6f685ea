// How many fetches the source can take at a time, found out from what it answers.
#pragma once

#include <algorithm>
#include <cstddef>

#include "planted_bug.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Grows by answers and shrinks by losses: time-outs, connections that fail, 429 and 503.
///
/// Growth doubles the limit in one mean latency until the first loss. After a loss it is additive,
/// a 64th in one mean latency, and doubles again once a mean latency has passed without. Every
/// loss takes away its own slot, so the limit follows a source that refuses what is too much for it
/// down to exactly what it takes. Losses with no answer among them open the breaker; that halves
/// the limit, once in a mean latency at most, and what is lost while it is open counts no more.
///
/// Some losses say nothing about the source. An id's next loss in a row weighs half of the last,
/// and losses are forgiven up to one in 32: so ids that fail, fail alone.
class FetchLimit {
 public:
  static constexpr std::size_t least = 4;

  explicit FetchLimit(std::size_t first) : limit_(static_cast<double>(std::max(first, least))) {}

  /// The limit below the configured one.
  std::size_t under(std::size_t ceiling) const {
    return std::min(ceiling, static_cast<std::size_t>(limit_));
  }

  /// Fetches wait for a slot: only a limit that is reached may grow.
  void reached(bool reached) { reached_ = reached; }

  void answered(Duration latency, std::size_t ceiling, Timestamp now) {
    latency_ = latency_ == Duration{} ? latency : latency_ + (latency - latency_) / 32;
    weight_ = std::max(0.0, weight_ - forgiven_per_answer);
    if (!reached_ || limit_ >= static_cast<double>(ceiling)) return;
    const bool quiet = now - last_loss_ >= period();
    limit_ += quiet ? 1 : std::max(additive, 1 / limit_);
  }

  /// `failures`: how often this id had failed in a row before.
  void lost(int failures, Timestamp now) {
    const double weight = 1.0 / (1 << std::clamp(failures, 0, 6));
    if (now - halved_weight_ >= period()) {
      halved_weight_ = now;
      weight_ /= 2;
    }
    weight_ += weight;
    if (weight_ <= forgiven()) return;
    weight_ = forgiven();
    shrink_to(limit_ - weight, now);
  }

  /// The breaker has opened.
  void nobody_answers(Timestamp now) {
    if (now - halved_ < period()) return;
    halved_ = now;
    shrink_to(limit_ / 2, now);
  }

 private:
  static constexpr double additive = 1.0 / 64;
  static constexpr double forgiven_per_answer = 1.0 / 32;
  static constexpr double forgiven_at_once = 2;

  /// The mean latency, or something like it.
  Duration period() const { return std::max<Duration>(latency_, std::chrono::milliseconds(100)); }

  double forgiven() const {
    if (planted(PlantedBug::poison_shrinks_limit)) return 0;
    return std::max(forgiven_at_once, limit_ * forgiven_per_answer);
  }

  void shrink_to(double limit, Timestamp now) {
    last_loss_ = now;
    limit_ = std::max<double>(least, limit);
  }

  double limit_;
  double weight_ = 0;  // of the losses not forgiven yet
  bool reached_ = false;
  Duration latency_{};
  Timestamp last_loss_{};
  Timestamp halved_{};
  Timestamp halved_weight_{};
};

}  // namespace postoffice::core
