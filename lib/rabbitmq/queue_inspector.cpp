#include "rabbitmq/queue_inspector.hpp"

#include "base/checked_count.hpp"

namespace postoffice::rabbitmq {

void QueueInspector::begin(SteadyTime now) {
  unanswered_ = 0;
  next_question_ = now;
}

bool QueueInspector::ask(SteadyTime now, std::uint64_t confirmed, std::uint64_t under_way) {
  if (now < next_question_) return false;
  next_question_ = now + std::chrono::seconds(1);
  if (unanswered_ > 0) return false;
  unanswered_ = shards_ + 1;
  look_ = {false, 0, confirmed, under_way};
  return true;
}

QueueInspector::Finding QueueInspector::hear(const QueueAnswer& answer) {
  Finding finding;
  if (unanswered_ == 0) return finding;
  count_down(unanswered_);
  if (unanswered_ == 0) {
    finding.dead = answer.messages;
    finding.lost = unread_.look(look_);
    return finding;
  }
  finding.shard = shards_ - unanswered_;
  finding.consumed = answer.consumers > 0;
  look_.messages += answer.messages;
  look_.consumed = look_.consumed || finding.consumed;
  return finding;
}

}  // namespace postoffice::rabbitmq
