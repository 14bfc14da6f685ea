#include "admin/metrics_format.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <vector>

namespace postofficed {
namespace {

constexpr std::string_view open_metrics_type = "application/openmetrics-text";

// In lower case, without white space: none of what is looked for here has any.
std::string normal(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' && c != '\t')
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= text.size();) {
    const auto end = std::min(text.find(separator, from), text.size());
    parts.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return parts;
}

struct Range {
  std::string type;
  std::string version;
  double quality = 1;
};

Range range_of(const std::string& text) {
  Range range;
  const auto parts = split(text, ';');
  range.type = parts.front();
  for (const auto& part : parts) {
    if (part.starts_with("q=")) range.quality = std::atof(part.c_str() + 2);
    if (part.starts_with("version=")) range.version = part.substr(8);
  }
  return range;
}

}  // namespace

MetricsFormat metrics_format(std::string_view accept) {
  double open_metrics = 0;
  double plain = 0;
  for (const auto& text : split(normal(accept), ',')) {
    const Range range = range_of(text);
    const bool version_known = range.version.empty() || range.version == "1.0.0";
    if (range.type == open_metrics_type && version_known) {
      open_metrics = std::max(open_metrics, range.quality);
    }
    if (range.type == "text/plain") plain = std::max(plain, range.quality);
  }
  return open_metrics > 0 && open_metrics >= plain ? MetricsFormat::open_metrics
                                                   : MetricsFormat::prometheus;
}

const char* content_type_of(MetricsFormat format) {
  return format == MetricsFormat::open_metrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace postofficed
