// What is shown of two looks at a daemon: rates and latencies between them, levels of the later
// one.
#pragma once

#include <optional>

#include "commands/top/sample.hpp"

namespace postofficed::top {

struct Latency {
  std::optional<Quantile> p50;
  std::optional<Quantile> p99;
};

struct Figures {
  Sample now;
  Number seconds;    ///< between the two looks; none after the first one, or a restart between them
  Counters rates{};  ///< of the counters, a second
  Latency ingress{}, flush{}, source{}, store{}, receipt_to_row{};
  std::optional<Histogram> source_between{};  ///< what the source did between the looks
};

/// `before`: none for the first look. `waited`: how long ago that was by this machine's clock. A
/// daemon that was restarted meanwhile counts from 0 again, so there are no rates then.
Figures compare(const Sample* before, const Sample& now, double waited);

}  // namespace postofficed::top
