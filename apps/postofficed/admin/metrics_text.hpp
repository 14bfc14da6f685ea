// The text of /metrics.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "admin/metrics_format.hpp"
#include "postoffice/histogram.hpp"

namespace postofficed {

/// Writes families of samples: family() once, then its sample()s or histogram()s.
class MetricsText {
 public:
  explicit MetricsText(MetricsFormat format = MetricsFormat::prometheus) : format_(format) {}

  /// A counter or gauge with a single sample.
  void counter(std::string_view name, std::string_view help, double value);
  void gauge(std::string_view name, std::string_view help, double value);

  /// The name of a counter ends in "_total", in both formats.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, std::string_view label, std::string_view label_value,
              double value);

  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  void sample(std::string_view name, Labels labels, double value);

  /// One series of a family of histograms. Without a label if `label` is empty.
  void histogram(std::string_view name, std::string_view label, std::string_view label_value,
                 const postoffice::Histogram& histogram);

  /// Called last.
  std::string finish();

 private:
  std::string show_bound(double seconds) const;

  MetricsFormat format_;
  std::string text_;
};

}  // namespace postofficed
