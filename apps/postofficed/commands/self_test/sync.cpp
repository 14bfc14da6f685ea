#include <cstdio>

#include "commands/self_test/checks.hpp"
#include "support/flush_times.hpp"
#include "support/text.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;

constexpr auto time_max = 2s;
constexpr auto slow = 100ms;  // then a sender's second is soon over

std::string in_milliseconds(FlushTimes::Duration time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3f ms",
                std::chrono::duration<double, std::milli>(time).count());
  return text;
}

double in_seconds(FlushTimes::Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Finding check_sync(const std::string& directory) {
  const auto times = measure_flushes(directory + "/sync", time_max);
  using Result = Finding::Result;
  if (!times) return {Result::failed, "cannot write and sync: " + times.error().text()};
  Finding finding;
  finding.text = counted(times->count(), "block") + " written and synced: median " +
                 in_milliseconds(times->median()) + ", 99 % within " +
                 in_milliseconds(times->p99());
  finding.figures = {{"syncs", times->count()},
                     {"least_seconds", in_seconds(times->least())},
                     {"median_seconds", in_seconds(times->median())},
                     {"p99_seconds", in_seconds(times->p99())},
                     {"most_seconds", in_seconds(times->most())}};
  if (times->median() < plausible_flush) {
    finding.result = Result::warning;
    finding.text += ": implausibly fast; syncs may not reach stable storage";
  } else if (times->p99() > slow) {
    finding.result = Result::warning;
    finding.text += ": slow; senders will notice";
  }
  return finding;
}

}  // namespace postofficed::self_test
