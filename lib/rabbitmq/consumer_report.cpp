#include "rabbitmq/consumer_report.hpp"

#include <cassert>
#include <utility>

namespace postoffice::rabbitmq {

void ConsumerReport::rejected(const std::string& what, SteadyTime now) {
  ++counters_.rejected;
  counters_.rejected_last = what;
  rejected_.note(now);
}

std::uint64_t ConsumerReport::missing(std::uint64_t messages, SteadyTime now) {
  assert(messages >= counters_.missing);
  const auto more = messages - std::exchange(counters_.missing, messages);
  return more > 0 && missing_.note(now) ? more : 0;
}

RabbitQueueStatus ConsumerReport::status(SteadyTime now) const {
  auto status = counters_;
  status.dead = dead_.messages();
  status.dead_grows = dead_.grows(now);
  if (missing_.is_recent(now)) {
    status.missing_for = std::chrono::ceil<std::chrono::seconds>(missing_.lasts(now));
  }
  if (!rejected_.is_recent(now)) status.rejected_last.clear();
  return status;
}

}  // namespace postoffice::rabbitmq
