#include "rabbitmq/publisher_report.hpp"

#include "base/checked_count.hpp"

namespace postoffice::rabbitmq {

void PublisherReport::ended(const Ended& ended, bool open, SteadyTime now) {
  const auto& [sent, error, nacked] = ended;
  if (sent.kind == Kind::tick || sent.kind == Kind::goodbye) return;
  count_down(counters_.unconfirmed);
  if (!error && sent.kind == Kind::carried) ++counters_.forwarded;
  if (!error && sent.kind == Kind::callback) {
    ++counters_.accepted_callbacks;
    counters_.accepted_ids += sent.ids;
  }
  if (nacked) ++counters_.nacked;
  if (error && !open) ++counters_.broken;
  if (error && open && now >= sent.due) ++counters_.overdue;
}

bool PublisherReport::lost(std::uint64_t messages, SteadyTime now) {
  counters_.lost += messages;
  return lost_.note(now);
}

RabbitPublisherStatus PublisherReport::status(SteadyTime now) const {
  auto status = counters_;
  status.losing = lost_.is_recent(now);
  status.dead = dead_.messages();
  status.dead_grows = dead_.grows(now);
  return status;
}

}  // namespace postoffice::rabbitmq
