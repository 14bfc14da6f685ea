#include "commands/top/histogram.hpp"

#include <numeric>

namespace postofficed::top {

std::uint64_t Histogram::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::optional<Histogram> read_histogram(const JsonValue& value) {
  Histogram histogram;
  for (const auto& bound : value["bounds"].items()) {
    histogram.bounds.push_back(bound.number().value_or(0));
  }
  for (const auto& count : value["counts"].items()) {
    histogram.counts.push_back(static_cast<std::uint64_t>(count.number().value_or(0)));
  }
  if (histogram.counts.size() != histogram.bounds.size() + 1) return std::nullopt;
  return histogram;
}

Histogram sum(Histogram first, const Histogram& second) {
  if (first.counts.empty()) return second;
  if (first.bounds != second.bounds) return first;
  for (std::size_t i = 0; i < first.counts.size(); ++i) first.counts[i] += second.counts[i];
  return first;
}

Histogram difference(const Histogram& now, const Histogram& before) {
  if (now.bounds != before.bounds || now.counts.size() != before.counts.size()) return now;
  Histogram between = now;
  for (std::size_t i = 0; i < now.counts.size(); ++i) {
    if (now.counts[i] < before.counts[i]) return now;
    between.counts[i] = now.counts[i] - before.counts[i];
  }
  return between;
}

std::optional<Quantile> quantile(const Histogram& histogram, double share) {
  const auto total = histogram.total();
  if (total == 0) return std::nullopt;
  const double wanted = share * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    const auto count = static_cast<double>(histogram.counts[i]);
    if (count > 0 && below + count >= wanted) {
      const double from = i == 0 ? 0 : histogram.bounds[i - 1];
      return Quantile{from + (histogram.bounds[i] - from) * (wanted - below) / count, false};
    }
    below += count;
  }
  return Quantile{histogram.bounds.empty() ? 0 : histogram.bounds.back(), true};
}

}  // namespace postofficed::top
