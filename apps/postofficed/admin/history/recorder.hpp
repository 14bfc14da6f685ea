// Looks at the daemon once a second, for the curves of the live page.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "admin/history/history.hpp"
#include "admin/pages.hpp"
#include "postoffice/clock.hpp"

namespace postofficed {

struct Look;

/// Threads: those of `clock`, which must be the admin listener's: the pages read the history there.
/// Lifetime: `shown` and `clock` outlive it; the clock is stopped before it is destroyed.
class Recorder {
 public:
  static constexpr std::chrono::seconds pace{1};

  Recorder(Shown shown, postoffice::Clock& clock);

  /// Looks now, and again with every second.
  void start();

  /// Adds one sample. The first has no counts: there is nothing before it.
  void look();

  /// The bounds of each histogram, in the order of histogram_figures(); empty: none seen yet.
  const std::vector<std::vector<double>>& bounds() const { return bounds_; }

  const History& history() const { return history_; }

 private:
  void count_figures(const Look& look, Sample& sample);
  void count_buckets(const Look& look, Sample& sample);

  const Shown shown_;
  postoffice::Clock& clock_;
  History history_;
  std::array<double, Sample::figures_max> counted_{};  // as of the sample before
  std::vector<std::vector<double>> bounds_;
  std::vector<std::vector<std::uint64_t>> bucket_counts_;  // as of the sample before
  bool first_ = true;
};

}  // namespace postofficed
