#include "rabbitmq/shard_numbers.hpp"

#include <cassert>
#include <utility>

namespace postoffice::rabbitmq {

PlaceInLine ShardNumbers::put(std::size_t shard, bool callback) {
  Shard& one = shards_[shard];
  if (callback) {
    ++one.said.number;
    one.confirmed.push_back(false);
  }
  messages_.push_back({shard, callback ? one.said.number : 0});
  return one.said;
}

void ShardNumbers::answer(std::uint64_t tag, bool multiple, bool confirmed) {
  const auto end_tag = first_tag_ + messages_.size();
  if (multiple && tag == 0) tag = end_tag - 1;  // all there are
  if (tag < first_tag_ || tag >= end_tag) return;
  const auto last = static_cast<std::size_t>(tag - first_tag_);
  for (std::size_t at = multiple ? 0 : last; at <= last; ++at) answer(messages_[at], confirmed);
  drop_answered();
}

void ShardNumbers::answer(Message& message, bool confirmed) {
  const auto number = std::exchange(message.number, 0);
  if (number == 0) return;
  Shard& shard = shards_[message.shard];
  auto& range = shard.said.now;
  if (number <= range.last) return;  // in doubt since it was sent
  if (!confirmed) return doubt(shard);
  assert(number <= shard.said.number);
  shard.confirmed[static_cast<std::size_t>(number - range.last - 1)] = true;
  for (; !shard.confirmed.empty() && shard.confirmed.front(); ++range.last) {
    shard.confirmed.pop_front();
  }
}

void ShardNumbers::drop_answered() {
  for (; !messages_.empty() && messages_.front().number == 0; ++first_tag_) messages_.pop_front();
}

void ShardNumbers::doubt(Shard& shard) {
  auto& [number, now, before] = shard.said;
  if (!now.empty()) before = now;
  now = {number + 1, number};
  shard.confirmed.clear();
}

void ShardNumbers::doubt_all() {
  for (Shard& shard : shards_) {
    if (!shard.confirmed.empty()) doubt(shard);
  }
}

void ShardNumbers::end_connection() {
  // Messages of the next connection, ticks included, may overtake those of this one. So each
  // connection has a range of its own, even if no callback was sent.
  for (Shard& shard : shards_) {
    ++shard.said.number;
    doubt(shard);
  }
  messages_.clear();
  first_tag_ = 1;
}

}  // namespace postoffice::rabbitmq
