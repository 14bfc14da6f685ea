#include "admin/history/recorder.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "admin/health.hpp"
#include "admin/history/figures.hpp"
#include "admin/process.hpp"

namespace postofficed {
namespace {

std::uint32_t difference(std::uint64_t now, std::uint64_t before) {
  constexpr std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
  return now > before ? static_cast<std::uint32_t>(std::min(now - before, max)) : 0;
}

}  // namespace

Recorder::Recorder(Shown shown, postoffice::Clock& clock)
    : shown_(std::move(shown)),
      clock_(clock),
      history_(folds_of_figures()),
      bounds_(histogram_figures().size()),
      bucket_counts_(histogram_figures().size()) {}

void Recorder::start() {
  look();
  const auto next = std::chrono::floor<std::chrono::seconds>(clock_.now()) + pace;
  clock_.call_at(next, [this] { start(); });
}

void Recorder::look() {
  const auto status = shown_.status();
  const auto ingress = shown_.ingress ? shown_.ingress->status() : postoffice::HttpIngressStatus{};
  const auto process = read_process_status();
  const auto parts = find_parts(shown_, status);
  const auto space = shown_.journal ? std::optional(shown_.journal->space()) : std::nullopt;
  const auto counts = shown_.counts ? shown_.counts() : std::nullopt;
  const Look look{shown_, status, ingress, process, space, counts, parts};
  Sample sample;
  sample.at = clock_.now();
  count_figures(look, sample);
  count_buckets(look, sample);
  first_ = false;
  history_.add(sample);
}

void Recorder::count_figures(const Look& look, Sample& sample) {
  for (std::size_t i = 0; i < figures().size(); ++i) {
    const auto& figure = figures()[i];
    const double value = figure.read(look);
    sample.figures[i] = value;
    if (figure.fold != Fold::sum) continue;
    sample.figures[i] = first_ ? 0 : std::max(0.0, value - counted_[i]);
    counted_[i] = value;
  }
}

void Recorder::count_buckets(const Look& look, Sample& sample) {
  for (std::size_t i = 0; i < histogram_figures().size(); ++i) {
    const auto now = histogram_figures()[i].read(look);
    auto& before = bucket_counts_[i];
    if (!now.bounds.empty()) bounds_[i] = now.bounds;
    const auto buckets = std::min(now.counts.size(), Sample::buckets_max);
    before.resize(std::max(before.size(), now.counts.size()));
    for (std::size_t j = 0; j < buckets && !first_; ++j) {
      sample.histograms[i][j] = difference(now.counts[j], before[j]);
    }
    std::copy(now.counts.begin(), now.counts.end(), before.begin());
  }
}

}  // namespace postofficed
