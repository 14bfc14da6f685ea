// Log lines without a reader, and figures that are old.
#include "admin/troubles.hpp"

#include <chrono>

#include "support/text.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;

constexpr auto stuck_max = 5s;

std::string seconds(double count) {
  return std::to_string(static_cast<std::uint64_t>(count)) + " s";
}

}  // namespace

void find_log_troubles(const Shown& shown, const postoffice::PipelineStatus& status,
                       Troubles& troubles) {
  if (const double age = age_seconds(shown, status); age > age_seconds_max) {
    troubles.push_back(
        {"pipeline",
         "the pipeline has not moved for " + seconds(age) +
             "; all figures except those of the queue and the listeners are that old",
         "if this lasts, find out what its thread waits for, and restart: the queue has "
         "everything that was accepted"});
  }
  const auto log = postoffice::status_of(shown.log);
  if (log.stuck > stuck_max) {
    troubles.push_back(
        {"log",
         "nobody has read stderr for " + seconds(std::chrono::duration<double>(log.stuck).count()) +
             "; " + counted(log.waiting + 1, "line") + " waiting, " + std::to_string(log.dropped) +
             " dropped so far",
         "check what reads its other end; the daemon does not wait for it", PartState::degraded});
  }
}

}  // namespace postofficed
