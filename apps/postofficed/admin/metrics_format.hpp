// Which of the two text formats for metrics a client wants.
#pragma once

#include <string_view>

namespace postofficed {

enum class MetricsFormat {
  prometheus,   ///< the text format of Prometheus, version 0.0.4
  open_metrics  ///< OpenMetrics 1.0
};

/// By the Accept field of a request (RFC 9110 12.5.1). OpenMetrics only for those who name it, and
/// like it as much as plain text.
MetricsFormat metrics_format(std::string_view accept);

const char* content_type_of(MetricsFormat format);

}  // namespace postofficed
