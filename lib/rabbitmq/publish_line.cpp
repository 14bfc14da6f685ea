#include "rabbitmq/publish_line.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace postoffice::rabbitmq {

PublishLine::PublishLine(Identity identity, const std::vector<std::string>& queues, Sequence last)
    : identity_(identity),
      frames_(queues.begin(), queues.end()),
      numbers_(queues.size()),
      last_(last) {}

Timestamp PublishLine::stamp(Timestamp now) { return newest_ = std::max(newest_, now); }

Timestamp PublishLine::last_stamp(Timestamp told) const {
  return std::max(newest_, told) + Duration(1);
}

Sequence PublishLine::put(Kind kind, Timestamp stamp, std::span<const ObjectId> ids,
                          Queue::AppendDone done, SteadyTime due) {
  const auto type = kind == Kind::carried ? MessageType::carried : MessageType::callback;
  const auto sequence = ++last_;
  const auto messages =
      put_in_shards({type, identity_.publisher, identity_.session, sequence, stamp}, ids);
  batch_.sent.push_back({kind, sequence, stamp, static_cast<std::uint32_t>(ids.size()), messages,
                         due, std::move(done)});
  return sequence;
}

/// Returns in how many.
std::uint32_t PublishLine::put_in_shards(const MessageHeader& header,
                                         std::span<const ObjectId> ids) {
  thread_local std::vector<std::vector<ObjectId>> parts;
  if (frames_.size() == 1 || ids.empty()) {
    put_message(header.sequence % frames_.size(), header, ids);
    return 1;
  }
  parts.resize(std::max(parts.size(), frames_.size()));
  for (auto& part : parts) part.clear();
  for (const ObjectId id : ids) parts[shard_of(id, frames_.size())].push_back(id);
  std::uint32_t messages = 0;
  for (std::size_t shard = 0; shard < frames_.size(); ++shard) {
    if (parts[shard].empty()) continue;
    put_message(shard, header, parts[shard]);
    ++messages;
  }
  return messages;
}

void PublishLine::put_ticks(Kind kind, Timestamp stamp, const std::vector<std::size_t>& shards,
                            Queue::AppendDone done, SteadyTime due) {
  assert(kind == Kind::tick || kind == Kind::goodbye);
  const auto type = kind == Kind::goodbye ? MessageType::goodbye : MessageType::tick;
  const MessageHeader header{type, identity_.publisher, identity_.session, last_, stamp};
  for (const auto shard : shards) put_message(shard, header, {});
  batch_.sent.push_back(
      {kind, last_, stamp, 0, static_cast<std::uint32_t>(shards.size()), due, std::move(done)});
}

void PublishLine::put_message(std::size_t shard, const MessageHeader& header,
                              std::span<const ObjectId> ids) {
  PlaceText place;
  if (identity_.ticks) place = to_text(numbers_.put(shard, is_callback(header.type)));
  frames_[shard].put(header, ids, place, frame_max_, batch_.bytes);
}

}  // namespace postoffice::rabbitmq
