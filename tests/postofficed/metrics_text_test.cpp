// The two text formats of /metrics, and who gets which.
#include "admin/metrics_text.hpp"

#include <doctest/doctest.h>

using namespace postofficed;

namespace {

std::string example(MetricsFormat format) {
  MetricsText out(format);
  out.counter("made_total", "What was made.", 3);
  out.gauge("open", "What is open.", 0.25);
  out.family("took_seconds", "histogram", "How long it took.");
  out.histogram("took_seconds", "how", "well", {{0.1, 2}, {4, 0, 1}, 5.5, 5});
  out.histogram("took_seconds", {}, {}, {{1}, {2, 0}, 0.5, 2});
  return out.finish();
}

}  // namespace

TEST_CASE("the format of Prometheus: buckets add up, and end with all") {
  CHECK(example(MetricsFormat::prometheus) ==
        "# HELP made_total What was made.\n"
        "# TYPE made_total counter\n"
        "made_total 3\n"
        "# HELP open What is open.\n"
        "# TYPE open gauge\n"
        "open 0.25\n"
        "# HELP took_seconds How long it took.\n"
        "# TYPE took_seconds histogram\n"
        "took_seconds_bucket{how=\"well\",le=\"0.1\"} 4\n"
        "took_seconds_bucket{how=\"well\",le=\"2\"} 4\n"
        "took_seconds_bucket{how=\"well\",le=\"+Inf\"} 5\n"
        "took_seconds_sum{how=\"well\"} 5.5\n"
        "took_seconds_count{how=\"well\"} 5\n"
        "took_seconds_bucket{le=\"1\"} 2\n"
        "took_seconds_bucket{le=\"+Inf\"} 2\n"
        "took_seconds_sum 0.5\n"
        "took_seconds_count 2\n");
}

TEST_CASE("OpenMetrics: a counter's family has no _total, bounds have a point, there is an end") {
  const auto text = example(MetricsFormat::open_metrics);
  CHECK(text.starts_with("# HELP made What was made.\n# TYPE made counter\nmade_total 3\n"));
  CHECK(text.find("took_seconds_bucket{how=\"well\",le=\"2.0\"} 4\n") != std::string::npos);
  CHECK(text.find("took_seconds_bucket{how=\"well\",le=\"0.1\"} 4\n") != std::string::npos);
  CHECK(text.find("le=\"+Inf\"} 5\n") != std::string::npos);
  CHECK(text.ends_with("took_seconds_count 2\n# EOF\n"));
}

TEST_CASE("OpenMetrics is for those who name it, unless they like plain text better") {
  for (const char* accept :
       {"application/openmetrics-text", "Application/OpenMetrics-Text; Version=1.0.0",
        "text/plain;q=0.5, application/openmetrics-text; version=1.0.0; q=0.5",
        // Prometheus 2.42
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
        "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"}) {
    CAPTURE(accept);
    CHECK(metrics_format(accept) == MetricsFormat::open_metrics);
  }
  for (const char* accept :
       {"", "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8", "text/plain",
        "application/openmetrics-text;q=0", "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;q=0.2,text/plain",
        ";;,,=", "application/openmetrics-text-2"}) {
    CAPTURE(accept);
    CHECK(metrics_format(accept) == MetricsFormat::prometheus);
  }
}
