#include "admin/history/sample_ring.hpp"

#include <cmath>
#include <limits>

namespace postofficed {
namespace {

double folded(double sum, double next, Fold fold) {
  if (std::isnan(next)) return sum;
  if (std::isnan(sum)) return next;
  switch (fold) {
    case Fold::sum: return sum + next;
    case Fold::largest: return next > sum ? next : sum;
    case Fold::smallest: return next < sum ? next : sum;
    case Fold::last: return next;
  }
  return next;
}

// A minute of more than four billion events shows four billion.
std::uint32_t added(std::uint32_t sum, std::uint32_t next) {
  constexpr auto max = std::numeric_limits<std::uint32_t>::max();
  return next > max - sum ? max : sum + next;
}

}  // namespace

void fold(Sample& sum, const Sample& next, const std::vector<Fold>& folds) {
  sum.at = next.at;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    sum.figures[i] = folded(sum.figures[i], next.figures[i], folds[i]);
  }
  for (std::size_t i = 0; i < sum.histograms.size(); ++i) {
    for (std::size_t j = 0; j < sum.histograms[i].size(); ++j) {
      sum.histograms[i][j] = added(sum.histograms[i][j], next.histograms[i][j]);
    }
  }
}

void SampleRing::push(const Sample& sample) {
  if (samples_.size() < capacity_) {
    samples_.push_back(sample);
  } else {
    samples_[end_ % capacity_] = sample;
  }
  ++end_;
}

}  // namespace postofficed
