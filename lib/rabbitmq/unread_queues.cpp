#include "rabbitmq/unread_queues.hpp"

#include <algorithm>
#include <utility>

namespace postoffice::rabbitmq {

void TickPace::begin(SteadyTime now) {
  for (auto& shard : shards_) shard = {true, tick_, now};
}

void TickPace::consumed(std::size_t shard, bool by_somebody, SteadyTime now) {
  auto& one = shards_[shard];
  one.consumed = by_somebody;
  if (!by_somebody || one.pause <= tick_) return;
  one.pause = tick_;
  one.next = now;
}

void TickPace::ticked(std::size_t shard, SteadyTime now, bool hopeful) {
  auto& one = shards_[shard];
  const auto longest = std::max(hopeful ? slowest_hopeful : slowest, tick_);
  if (!one.consumed) one.pause = std::min(2 * one.pause, longest);
  one.next = now + one.pause;
}

std::vector<std::size_t> TickPace::round(bool all, SteadyTime now) {
  std::vector<std::size_t> shards;
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    if (!all && !due(shard, now)) continue;
    shards.push_back(shard);
    ticked(shard, now, all);
  }
  return shards;
}

TickPace::SteadyTime TickPace::next() const {
  auto next = SteadyTime::max();
  for (const auto& shard : shards_) next = std::min(next, shard.next);
  return next;
}

std::uint64_t UnreadQueues::look(const Look& look) {
  const auto before = std::exchange(before_, look);
  if (!std::exchange(looked_, true) || before.consumed || look.consumed) {
    breaches_ = 0;
    doubtful_ = 0;
    return 0;
  }
  const auto confirmed = look.confirmed - before.confirmed;
  const auto least = before.messages + confirmed - std::min(confirmed, before.under_way);
  if (look.messages >= least) return 0;
  doubtful_ += least - look.messages;
  if (++breaches_ < 2) return 0;
  return std::exchange(doubtful_, 0);
}

}  // namespace postoffice::rabbitmq
