// The Prometheus text format, version 0.0.4.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace postofficed {

/// Writes families of samples: family() once, then its sample()s.
class MetricsText {
 public:
  /// A counter or gauge with a single sample.
  void counter(std::string_view name, std::string_view help, double value);
  void gauge(std::string_view name, std::string_view help, double value);

  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, std::string_view label, std::string_view label_value,
              double value);

  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  void sample(std::string_view name, Labels labels, double value);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace postofficed
