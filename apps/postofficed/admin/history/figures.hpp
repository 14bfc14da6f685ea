// The figures that the live page draws, and where each comes from.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "admin/health.hpp"
#include "admin/history/sample_ring.hpp"
#include "admin/pages.hpp"
#include "admin/process.hpp"
#include "admin/store_census.hpp"
#include "postoffice/histogram.hpp"

namespace postofficed {

/// What one sample is taken from: all of one moment.
struct Look {
  const Shown& shown;
  const postoffice::PipelineStatus& status;
  const postoffice::HttpIngressStatus& ingress;
  const ProcessStatus& process;
  const std::optional<postoffice::FileQueue::Space>& space;  ///< nothing: there is no file queue
  const std::optional<StoreCounts>& counts;                  ///< nothing: not known yet
  const std::vector<PartHealth>& parts;
};

/// What is counted by how long it took; its buckets are columns of the page's heat map.
struct HistogramFigure {
  const char* name;  ///< in /history
  postoffice::Histogram (*read)(const Look& look);
};

/// In the order of Sample::histograms.
std::span<const HistogramFigure> histogram_figures();

struct Figure {
  const char* name;  ///< in /history
  Fold fold;         ///< sum: `read` gives a count since the start
  double (*read)(const Look& look);
};

/// In the order of Sample::figures.
std::span<const Figure> figures();

std::vector<Fold> folds_of_figures();

}  // namespace postofficed
