#include "commands/top/figures.hpp"

#include <algorithm>

namespace postofficed::top {
namespace {

/// The time between two looks by the daemon's own clock, which stands still in none of the pauses
/// between reading a page and writing it down. None if it is another process: younger than before,
/// or not older by as much as has passed.
Number time_between(const Sample& before, const Sample& now, double waited) {
  if (!before.uptime || !now.uptime) {
    if (waited > 0) return waited;
    return std::nullopt;
  }
  const double aged = *now.uptime - *before.uptime;
  const double tolerance = std::max(1.0, waited / 10);
  if (aged <= 0 || aged < waited - tolerance) return std::nullopt;
  return aged;
}

Number rate(const Number& before, const Number& now, double seconds) {
  if (!before || !now || *now < *before) return std::nullopt;
  return (*now - *before) / seconds;
}

Counters rates_between(const Counters& before, const Counters& now, double seconds) {
  Counters rates;
  for (const auto counter :
       {&Counters::callbacks, &Counters::ids, &Counters::refused, &Counters::fetches,
        &Counters::failures, &Counters::stored, &Counters::deleted}) {
    rates.*counter = rate(before.*counter, now.*counter, seconds);
  }
  return rates;
}

std::optional<Histogram> between(const Histograms* before, const Histograms& now,
                                 std::optional<Histogram> Histograms::*which) {
  const auto& later = now.*which;
  if (!later || before == nullptr || !(before->*which)) return later;
  return difference(*later, *(before->*which));
}

Latency latency(const std::optional<Histogram>& histogram) {
  if (!histogram) return {};
  return {quantile(*histogram, 0.5), quantile(*histogram, 0.99)};
}

}  // namespace

Figures compare(const Sample* before, const Sample& now, double waited) {
  Figures figures;
  figures.now = now;
  if (before != nullptr) figures.seconds = time_between(*before, now, waited);
  if (figures.seconds)
    figures.rates = rates_between(before->counters, now.counters, *figures.seconds);
  const Histograms* earlier = figures.seconds ? &before->histograms : nullptr;
  const auto& later = now.histograms;
  figures.ingress = latency(between(earlier, later, &Histograms::ingress));
  figures.flush = latency(between(earlier, later, &Histograms::flush));
  figures.store = latency(between(earlier, later, &Histograms::store));
  figures.receipt_to_row = latency(between(earlier, later, &Histograms::receipt_to_row));
  figures.source_between = between(earlier, later, &Histograms::source);
  figures.source = latency(figures.source_between);
  return figures;
}

}  // namespace postofficed::top
