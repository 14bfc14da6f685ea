#include "admin/metrics_text.hpp"

#include <cassert>
#include <charconv>
#include <utility>

namespace postofficed {
namespace {

std::string show(double value) {
  char text[64];
  // Whole numbers without exponent, as far as a double holds them exactly.
  const bool whole = value >= 0 && value < 9007199254740992.0 &&
                     value == static_cast<double>(static_cast<std::uint64_t>(value));
  const auto end = whole
                       ? std::to_chars(text, text + sizeof text, static_cast<std::uint64_t>(value))
                       : std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

void MetricsText::family(std::string_view name, std::string_view type, std::string_view help) {
  constexpr std::string_view total = "_total";
  assert((type == "counter") == name.ends_with(total));
  // In OpenMetrics the end of the name belongs to the sample, not to the family.
  if (format_ == MetricsFormat::open_metrics && type == "counter") {
    name.remove_suffix(total.size());
  }
  text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
  text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::sample(std::string_view name, std::string_view label,
                         std::string_view label_value, double value) {
  if (label.empty()) return sample(name, {}, value);
  sample(name, {{label, label_value}}, value);
}

void MetricsText::sample(std::string_view name, Labels labels, double value) {
  text_.append(name);
  const char* before = "{";
  for (const auto& [label, content] : labels) {
    text_.append(before).append(label).append("=\"").append(escaped(content)).append("\"");
    before = ",";
  }
  if (labels.size() != 0) text_.append("}");
  text_.append(" ").append(show(value)).append("\n");
}

// OpenMetrics has bounds with a decimal point only.
std::string MetricsText::show_bound(double seconds) const {
  auto text = show(seconds);
  if (format_ == MetricsFormat::open_metrics && text.find('.') == std::string::npos) text += ".0";
  return text;
}

void MetricsText::histogram(std::string_view name, std::string_view label,
                            std::string_view label_value, const postoffice::Histogram& histogram) {
  const std::string family(name);
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    below += histogram.counts[i];
    const auto bound = show_bound(histogram.bounds[i]);
    label.empty() ? sample(family + "_bucket", {{"le", bound}}, static_cast<double>(below))
                  : sample(family + "_bucket", {{label, label_value}, {"le", bound}},
                           static_cast<double>(below));
  }
  const auto all = static_cast<double>(histogram.count);
  label.empty() ? sample(family + "_bucket", {{"le", "+Inf"}}, all)
                : sample(family + "_bucket", {{label, label_value}, {"le", "+Inf"}}, all);
  sample(family + "_sum", label, label_value, histogram.sum);
  sample(family + "_count", label, label_value, all);
}

std::string MetricsText::finish() {
  if (format_ == MetricsFormat::open_metrics) text_ += "# EOF\n";
  return std::move(text_);
}

void MetricsText::counter(std::string_view name, std::string_view help, double value) {
  family(name, "counter", help);
  sample(name, {}, {}, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value) {
  family(name, "gauge", help);
  sample(name, {}, {}, value);
}

}  // namespace postofficed
