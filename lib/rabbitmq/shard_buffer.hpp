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
/// acknowledged come out.
class ShardBuffer {
 public:
  /// `session`: messages carried forward by it are marked so. `window`: the broker hands over so
  /// many messages before it wants an acknowledgement.
  ShardBuffer(std::uint64_t session, std::size_t window) : session_(session), window_(window) {}

  /// A new channel: what was not handed over comes again, and tags begin with 1.
  void begin_channel();

  /// The next message. False if it makes no sense: it is to be rejected.
  bool add(Bytes body);

  /// The next message could not be read: it is to be rejected.
  void add_unreadable() { tags_.push_back({last_, true}); }

  /// A message of this session is on its way: held back until its append is done.
  void hold(Sequence sequence) { held_.emplace(sequence, false); }
  void release(Sequence sequence) { held_.erase(sequence); }
  /// The append of a carried message is done: it is handed over at once, before the broker does,
  /// however much stands before it there. So a crowded queue gets room.
  void release_carried(Sequence sequence, Timestamp stamp, std::span<const ObjectId> ids);

  /// Handing over: take() while ready(), then handed() once the reader has it. handed() also lets
  /// ticks pass that wait for nobody.
  bool ready() const;
  Delivery take(std::size_t ids_max);
  void handed();

  void acknowledge(Sequence up_to);
  /// The tag to acknowledge with everything before it, if there is one that was not yet.
  std::optional<std::uint64_t> acknowledgeable();

  void fill(QueueStatus& status) const;
  std::size_t unacknowledged() const { return tags_.size(); }
  PublisherWatermarks& watermarks() { return watermarks_; }
  const PublisherWatermarks& watermarks() const { return watermarks_; }

 private:
  struct Item {
    MessageHeader header;
    Sequence sequence;  // of the last entry up to here
    std::uint32_t ids;
    bool entry;  // else a tick
    bool here;   // the broker's copy comes later, or never
  };
  struct Tag {
    Sequence sequence;  // may be acknowledged with it
    bool rejected;
  };

  bool is_own_carried(const MessageHeader& header) const;
  bool held(const Item& item) const;
  Sequence crowded() const;
  void push(const MessageHeader& header, std::uint32_t ids, bool here);
  void pass_ticks();

  const std::uint64_t session_;
  const std::size_t window_;
  std::deque<Item> items_;
  std::vector<ObjectId> ids_;  // of the items, in order
  std::size_t ids_begin_ = 0;
  std::vector<MessageHeader> handing_;  // taken, not yet handed
  bool taking_ = false;
  PublisherWatermarks watermarks_;
  std::map<Sequence, bool> held_;  // has the broker's copy come?
  // The broker's copies of what was handed over here, by receipt: to be acknowledged only, with the
  // sequence that it has here.
  std::map<Sequence, Sequence> copies_;

  Sequence last_ = 0;   // given to a message
  Sequence taken_ = 0;  // given to the reader
  Sequence acknowledged_ = 0;
  std::deque<Tag> tags_;
  std::uint64_t first_tag_ = 1;
  codec::SlidingMinimum kept_times_;
  std::uint64_t accepted_ids_ = 0;
  std::uint64_t accepted_callbacks_ = 0;
};

}  // namespace postoffice::rabbitmq
