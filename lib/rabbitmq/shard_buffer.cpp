// The problem. A broker delivers the messages of a shard in order, each with a tag that counts
// from 1 on every channel, and wants cumulative acknowledgements: "everything up to this tag". A
// reader wants callbacks only, in batches, with sequences that never repeat, and acknowledges by
// those. Between them stand ticks (a publisher's word that all it stamped before is ahead of them),
// messages that cannot be read, and messages that this process has appended to its own shard.
//
// Items and tags. Each message that comes is an item, until the reader has it, and a tag, until it
// is acknowledged. An entry (a message with callbacks) gets the next sequence; a tick shares the
// sequence of the entry before it. So a tag may go once that sequence is acknowledged, and ticks
// and rejected messages go with the entry before them. A rejected tag is never named: the broker
// has dealt with it.
//
// Handing over. pop() moves items to the reader, handed() says that it has them; only then are
// their stamps heard by the watermarks. Else the frontier could pass a callback that nobody is
// responsible for yet, and a row could be deleted whose receipt is on its way (S6). A tick at the
// front, with nothing being handed over, waits for nobody.
//
// Own messages. A reader requeues a callback by appending it again with its old stamp, and may
// acknowledge the record before it once that append is done. Broker and confirm are two
// connections: the copy may be delivered before the append is known to be done, or long after,
// behind all that waits in the shard. So each own message has a state:
//
//   appending --delivered--> early --release--> (an item like any other)
//   appending --release_requeued--> local --delivered--> (only its tag is kept)
//   appending --release--> (nothing is known: it failed, or is no requeue)
//
// While it is appending or early it is held: the reader would drop an id that it believes to be
// still its own (S10). A local one is handed over from memory at once; the broker's copy is then
// not an item, but a tag with the sequence that the message has here. This is what makes room in a
// full window: the copy stands behind everything there is.
//
// A new channel. What was delivered and not handed over comes again, in the same order, so those
// items go, and early becomes appending. Local items stay: nobody knows when their copies come.
// What was handed over may come again, too, with new sequences: the reader's work is idempotent.
#include "rabbitmq/shard_buffer.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"

namespace postoffice::rabbitmq {

bool ShardBuffer::is_own_requeue(const MessageHeader& header) const {
  return header.type == MessageType::carried && header.session == session_;
}

void ShardBuffer::begin_channel() {
  const auto items = std::exchange(items_, {});
  const auto ids = std::exchange(ids_, {});
  last_ = popped_;
  restore(items, ids.begin() + static_cast<std::ptrdiff_t>(std::exchange(ids_begin_, 0)));
  for (auto& [receipt, own] : own_) {
    if (own.state == Own::early) own.state = Own::appending;
  }
  tags_.clear();
  first_tag_ = 1;
}

/// Keeps the local ones.
void ShardBuffer::restore(const std::deque<Item>& items, std::vector<ObjectId>::const_iterator at) {
  for (const Item& item : items) {
    const auto end = at + item.ids;
    if (item.local) {
      ids_.insert(ids_.end(), at, end);
      push(item.header, item.ids, true);
    } else if (item.entry && !is_own_requeue(item.header)) {
      count_down(accepted_ids_, std::uint64_t{item.ids});
      count_down(accepted_callbacks_);
    }
    at = end;
  }
}

void ShardBuffer::push(const MessageHeader& header, std::uint32_t ids, bool local) {
  const bool entry = is_callback(header.type);
  if (entry) ++last_;
  items_.push_back({header, last_, ids, entry, local});
  if (local) own_[header.sequence] = {Own::local, last_};
  if (!entry || is_own_requeue(header)) return;
  kept_times_.push(last_, header.stamp);
  accepted_ids_ += ids;
  ++accepted_callbacks_;
}

/// Of a message that was local: then its tag is all that is wanted.
bool ShardBuffer::is_copy(const MessageHeader& header) {
  if (!is_own_requeue(header)) return false;
  const auto own = own_.find(header.sequence);
  if (own == own_.end() || own->second.state != Own::local) return false;
  tags_.push_back({own->second.sequence, false});
  own_.erase(own);
  return true;
}

bool ShardBuffer::add(Bytes body) {
  const auto ids_before = ids_.size();
  const auto header = decode_message(body, ids_);
  if (header && is_copy(*header)) {
    ids_.resize(ids_before);
    return true;
  }
  if (header) {
    push(*header, static_cast<std::uint32_t>(ids_.size() - ids_before), false);
    const auto own = own_.find(header->sequence);
    const bool ours = own != own_.end() && header->session == session_;
    if (ours && own->second.state == Own::appending) own->second.state = Own::early;
  }
  tags_.push_back({last_, !header});
  pass_ticks();
  return header.has_value();
}

void ShardBuffer::hold(Sequence sequence) {
  [[maybe_unused]] const bool is_new = own_.try_emplace(sequence).second;
  assert(is_new);
}

void ShardBuffer::release(Sequence sequence) {
  const auto own = own_.find(sequence);
  if (own == own_.end()) return;
  assert(own->second.state != Own::local);
  own_.erase(own);
}

void ShardBuffer::release_requeued(Sequence sequence, Timestamp stamp,
                                   std::span<const ObjectId> ids) {
  const auto own = own_.find(sequence);
  const bool came = own == own_.end() || own->second.state == Own::early;
  release(sequence);
  if (came) return;
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  push({MessageType::carried, 0, session_, sequence, stamp}, static_cast<std::uint32_t>(ids.size()),
       true);
}

bool ShardBuffer::held(const Item& item) const {
  if (item.header.session != session_) return false;
  const auto own = own_.find(item.header.sequence);
  return own != own_.end() && own->second.state != Own::local;
}

bool ShardBuffer::ready() const {
  return handover_ == Handover::none && !items_.empty() && items_.front().entry &&
         !held(items_.front());
}

Delivery ShardBuffer::pop(std::size_t ids_max) {
  assert(handover_ == Handover::none && handing_.empty());
  handover_ = Handover::under_way;
  Delivery delivery;
  while (!items_.empty()) {
    const Item& item = items_.front();
    if (item.entry && held(item)) break;
    const bool full = delivery.ids.size() + item.ids > ids_max;
    if (item.entry && full && !delivery.entries.empty()) break;
    handing_.push_back(item.header);
    if (item.entry) pop_entry(item, delivery);
    items_.pop_front();
  }
  drop_handed_ids();
  return delivery;
}

void ShardBuffer::pop_entry(const Item& item, Delivery& delivery) {
  assert(item.sequence > popped_ && ids_begin_ + item.ids <= ids_.size());
  const auto from = ids_.begin() + static_cast<std::ptrdiff_t>(ids_begin_);
  const auto begin = static_cast<std::uint32_t>(delivery.ids.size());
  delivery.ids.insert(delivery.ids.end(), from, from + item.ids);
  delivery.entries.push_back({item.sequence, item.header.stamp, begin, begin + item.ids,
                              is_own_requeue(item.header), item.header.sequence});
  ids_begin_ += item.ids;
  popped_ = item.sequence;
}

void ShardBuffer::drop_handed_ids() {
  if (ids_begin_ <= ids_.size() / 2) return;
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(ids_begin_));
  ids_begin_ = 0;
}

void ShardBuffer::handed() {
  assert(handover_ == Handover::under_way);
  for (const MessageHeader& header : handing_) watermarks_.hear(header);
  handing_.clear();
  handover_ = Handover::none;
  pass_ticks();
}

/// Ticks wait behind callbacks that were not handed over, but not for a reader.
void ShardBuffer::pass_ticks() {
  if (handover_ == Handover::under_way) return;
  for (; !items_.empty() && !items_.front().entry; items_.pop_front()) {
    watermarks_.hear(items_.front().header);
  }
}

void ShardBuffer::acknowledge(Sequence up_to) {
  acknowledged_ = std::max(acknowledged_, std::min(up_to, popped_));
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
Sequence ShardBuffer::acknowledge_target() const {
  if (tags_.size() <= window_ - window_ / 4) return 0;
  const auto half = tags_.size() / 2;
  const auto step = std::max<std::size_t>(half / 32, 1);
  Sequence newest = 0;
  for (std::size_t at = 0; at <= half; at += step) newest = std::max(newest, tags_[at].sequence);
  return newest;
}

QueueProgress ShardBuffer::progress() const {
  return {.frontier = watermarks_.frontier(),
          .last_durable = last_,
          .acknowledged = acknowledged_,
          .acknowledge_target = acknowledge_target(),
          .accepted_ids = accepted_ids_,
          .accepted_callbacks = accepted_callbacks_};
}

QueueStatistics ShardBuffer::statistics() const {
  const auto frontier = watermarks_.frontier();
  return {.acknowledged_at = std::min(kept_times_.oldest().value_or(frontier), frontier),
          .bytes = (ids_.size() - ids_begin_) * sizeof(ObjectId)};
}

}  // namespace postoffice::rabbitmq
