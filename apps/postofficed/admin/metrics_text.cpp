#include "admin/metrics_text.hpp"

#include <charconv>

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

void MetricsText::counter(std::string_view name, std::string_view help, double value) {
  family(name, "counter", help);
  sample(name, {}, {}, value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value) {
  family(name, "gauge", help);
  sample(name, {}, {}, value);
}

}  // namespace postofficed
