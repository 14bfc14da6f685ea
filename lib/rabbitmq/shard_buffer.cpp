#include "rabbitmq/shard_buffer.hpp"

#include <algorithm>
#include <utility>

namespace postoffice::rabbitmq {

bool ShardBuffer::is_own_carried(const MessageHeader& header) const {
  return header.type == MessageType::carried && header.session == session_;
}

void ShardBuffer::begin_channel() {
  std::deque<Item> items;
  std::vector<ObjectId> ids;
  items.swap(items_);
  ids.swap(ids_);
  auto at = ids.begin() + static_cast<std::ptrdiff_t>(std::exchange(ids_begin_, 0));
  last_ = taken_;
  for (const Item& item : items) {
    const auto end = at + item.ids;
    if (item.here) {
      ids_.insert(ids_.end(), at, end);
      push(item.header, item.ids, true);
    } else if (item.entry && !is_own_carried(item.header)) {
      accepted_ids_ -= item.ids;
      --accepted_callbacks_;
    }
    at = end;
  }
  for (auto& [sequence, came] : held_) came = false;
  tags_.clear();
  first_tag_ = 1;
}

void ShardBuffer::push(const MessageHeader& header, std::uint32_t ids, bool here) {
  const bool entry = is_callback(header.type);
  if (entry) ++last_;
  items_.push_back({header, last_, ids, entry, here});
  if (here) copies_[header.sequence] = last_;
  if (!entry || is_own_carried(header)) return;
  kept_times_.push(last_, header.stamp);
  accepted_ids_ += ids;
  ++accepted_callbacks_;
}

bool ShardBuffer::add(Bytes body) {
  const auto ids_before = ids_.size();
  const auto header = decode_message(body, ids_);
  const auto copy =
      header && is_own_carried(*header) ? copies_.find(header->sequence) : copies_.end();
  if (copy != copies_.end()) {
    ids_.resize(ids_before);
    tags_.push_back({copy->second, false});
    copies_.erase(copy);
    return true;
  }
  if (header) {
    push(*header, static_cast<std::uint32_t>(ids_.size() - ids_before), false);
    const auto held = held_.find(header->sequence);
    if (held != held_.end() && header->session == session_) held->second = true;
  }
  tags_.push_back({last_, !header});
  pass_ticks();
  return header.has_value();
}

void ShardBuffer::release_carried(Sequence sequence, Timestamp stamp,
                                  std::span<const ObjectId> ids) {
  const auto held = held_.find(sequence);
  const bool came = held == held_.end() || held->second;
  release(sequence);
  if (came) return;
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  push({MessageType::carried, 0, session_, sequence, stamp}, static_cast<std::uint32_t>(ids.size()),
       true);
}

bool ShardBuffer::held(const Item& item) const {
  return item.header.session == session_ && held_.contains(item.header.sequence);
}

bool ShardBuffer::ready() const {
  return !taking_ && !items_.empty() && items_.front().entry && !held(items_.front());
}

Delivery ShardBuffer::take(std::size_t ids_max) {
  Delivery delivery;
  taking_ = true;
  while (!items_.empty()) {
    const Item& item = items_.front();
    if (item.entry && held(item)) break;
    const bool full = delivery.ids.size() + item.ids > ids_max;
    if (item.entry && full && !delivery.entries.empty()) break;
    handing_.push_back(item.header);
    if (item.entry) {
      const auto from = ids_.begin() + static_cast<std::ptrdiff_t>(ids_begin_);
      const auto begin = static_cast<std::uint32_t>(delivery.ids.size());
      delivery.ids.insert(delivery.ids.end(), from, from + item.ids);
      delivery.entries.push_back({item.sequence, item.header.stamp, begin, begin + item.ids,
                                  is_own_carried(item.header), item.header.sequence});
      ids_begin_ += item.ids;
      taken_ = item.sequence;
    }
    items_.pop_front();
  }
  if (ids_begin_ > ids_.size() / 2) {
    ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(ids_begin_));
    ids_begin_ = 0;
  }
  return delivery;
}

void ShardBuffer::handed() {
  for (const MessageHeader& header : handing_) watermarks_.hear(header);
  handing_.clear();
  taking_ = false;
  pass_ticks();
}

/// Ticks wait behind callbacks that were not handed over, but not for a reader.
void ShardBuffer::pass_ticks() {
  if (taking_) return;
  for (; !items_.empty() && !items_.front().entry; items_.pop_front()) {
    watermarks_.hear(items_.front().header);
  }
}

void ShardBuffer::acknowledge(Sequence up_to) {
  acknowledged_ = std::max(acknowledged_, std::min(up_to, taken_));
  kept_times_.pop_through(acknowledged_);
}

std::optional<std::uint64_t> ShardBuffer::acknowledgeable() {
  std::optional<std::uint64_t> newest;
  for (; !tags_.empty() && tags_.front().sequence <= acknowledged_; tags_.pop_front()) {
    if (!tags_.front().rejected) newest = first_tag_;
    ++first_tag_;
  }
  return newest;
}

/// What the older half of a full window waits for, judged by some of it; the oldest is among them.
Sequence ShardBuffer::crowded() const {
  if (tags_.size() <= window_ - window_ / 4) return 0;
  const auto half = tags_.size() / 2;
  const auto step = std::max<std::size_t>(half / 32, 1);
  Sequence newest = 0;
  for (std::size_t at = 0; at <= half; at += step) newest = std::max(newest, tags_[at].sequence);
  return newest;
}

void ShardBuffer::fill(QueueStatus& status) const {
  status.frontier = watermarks_.frontier();
  status.publishers = watermarks_.publishers();
  status.last_durable = last_;
  status.acknowledged = acknowledged_;
  status.acknowledged_at =
      std::min(kept_times_.oldest().value_or(status.frontier), status.frontier);
  status.accepted_ids = accepted_ids_;
  status.accepted_callbacks = accepted_callbacks_;
  status.crowded = crowded();
  status.bytes = (ids_.size() - ids_begin_) * sizeof(ObjectId);
}

}  // namespace postoffice::rabbitmq
