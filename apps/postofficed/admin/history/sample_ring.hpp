// The samples of the live page's curves: a ring of fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "postoffice/types.hpp"

namespace postofficed {

/// How samples become one that covers a longer time.
enum class Fold {
  sum,       ///< what was counted since the sample before
  largest,   ///< the worst of a level or an age
  smallest,  ///< the least room
  last,      ///< a level that is compared with others of the same moment
};

/// One look at the daemon. A figure that is not known is NaN.
struct Sample {
  static constexpr std::size_t figures_max = 48;
  static constexpr std::size_t histograms_max = 5;
  static constexpr std::size_t buckets_max = 28;
  using Buckets = std::array<std::uint32_t, buckets_max>;

  postoffice::Timestamp at{};
  std::array<double, figures_max> figures{};
  std::array<Buckets, histograms_max> histograms{};  ///< counted since the sample before
};

/// Adds `next`, which is newer, to `sum`; `folds` says how, figure by figure.
void fold(Sample& sum, const Sample& next, const std::vector<Fold>& folds);

/// Keeps the newest samples. They are numbered from 0 for ever, so that a reader can ask for those
/// that it has not seen. Memory is taken as it fills, never more than for `capacity` samples.
class SampleRing {
 public:
  explicit SampleRing(std::size_t capacity) : capacity_(capacity) { samples_.reserve(capacity); }

  void push(const Sample& sample);

  std::uint64_t begin() const { return end_ - samples_.size(); }  ///< number of the oldest
  std::uint64_t end() const { return end_; }                      ///< one more than the newest's
  const Sample& operator[](std::uint64_t number) const { return samples_[number % capacity_]; }

 private:
  std::size_t capacity_;
  std::vector<Sample> samples_;
  std::uint64_t end_ = 0;
};

}  // namespace postofficed
