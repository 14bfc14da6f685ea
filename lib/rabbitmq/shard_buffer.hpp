// What came out of a shard: waiting to be handed over, and waiting to be acknowledged.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "codec/sliding_minimum.hpp"
#include "postoffice/queue.hpp"
#include "rabbitmq/publisher_watermarks.hpp"

namespace postoffice::rabbitmq {

/// No threads and no broker in here: messages and their tags go in, deliveries and tags to be
/// acknowledged come out. How it works, and why that is right: shard_buffer.cpp.
class ShardBuffer {
 public:
  /// `session`: messages requeued by it are marked so. `window`: the broker delivers so many
  /// messages before it wants an acknowledgement.
  ShardBuffer(std::uint64_t session, std::size_t window, const Clock& clock)
      : session_(session), window_(window), watermarks_(clock) {}

  /// A new channel: what was not handed over comes again, and tags begin with 1.
  void begin_channel();

  /// The next message. False if it cannot be read: it is to be rejected.
  bool add(Bytes body);

  /// The next message was not even kept: it is to be rejected.
  void add_unreadable() { tags_.push_back({last_, true}); }

  /// A message of this session is being appended: held back until that is done.
  void hold(Sequence sequence);
  void release(Sequence sequence);
  /// The append of a requeued message is done: it is handed over at once, before the broker does,
  /// however much stands before it there. So a full window gets room.
  void release_requeued(Sequence sequence, Timestamp stamp, std::span<const ObjectId> ids);

  /// Handing over: pop() while ready(), then handed() once the reader has it. handed() also lets
  /// ticks pass that wait for nobody.
  bool ready() const;
  Delivery pop(std::size_t ids_max);
  void handed();

  void acknowledge(Sequence up_to);
  /// The tag to acknowledge with everything before it, if there is one that was not yet.
  std::optional<std::uint64_t> acknowledgeable();

  QueueProgress progress() const;
  QueueStatistics statistics() const;
  std::size_t unacknowledged() const { return tags_.size(); }
  PublisherWatermarks& watermarks() { return watermarks_; }
  const PublisherWatermarks& watermarks() const { return watermarks_; }

 private:
  struct Item {
    MessageHeader header;
    Sequence sequence;  // of the last entry up to here
    std::uint32_t ids;
    bool entry;  // else a tick
    bool local;  // from memory: the broker's copy comes later, or never
  };
  struct Tag {
    Sequence sequence;  // may be acknowledged with it
    bool rejected;
  };
  /// Of a message that this session appended, until it is like any other.
  enum class Own : std::uint8_t {
    appending,  // its append is not done, and the broker has not delivered it
    early,      // its append is not done, but it is among the items already
    local       // requeued and among the items, or handed over; the broker's copy is still to come
  };
  struct OwnMessage {
    Own state = Own::appending;
    Sequence sequence = 0;  // here, if local
  };
  enum class Handover : std::uint8_t { none, under_way };

  bool is_own_requeue(const MessageHeader& header) const;
  bool held(const Item& item) const;
  Sequence acknowledge_target() const;
  void push(const MessageHeader& header, std::uint32_t ids, bool local);
  bool is_copy(const MessageHeader& header);
  void restore(const std::deque<Item>& items, std::vector<ObjectId>::const_iterator at);
  void pop_entry(const Item& item, Delivery& delivery);
  void drop_handed_ids();
  void pass_ticks();

  const std::uint64_t session_;
  const std::size_t window_;
  std::deque<Item> items_;
  std::vector<ObjectId> ids_;  // of the items, in order
  std::size_t ids_begin_ = 0;
  Handover handover_ = Handover::none;
  std::vector<MessageHeader> handing_;  // popped, not yet handed
  PublisherWatermarks watermarks_;
  std::map<Sequence, OwnMessage> own_;  // by receipt

  Sequence last_ = 0;    // given to a message
  Sequence popped_ = 0;  // given to the reader
  Sequence acknowledged_ = 0;
  std::deque<Tag> tags_;
  std::uint64_t first_tag_ = 1;
  codec::SlidingMinimum kept_times_;
  std::uint64_t accepted_ids_ = 0;
  std::uint64_t accepted_callbacks_ = 0;
};

}  // namespace postoffice::rabbitmq
