// What came out of a shard: waiting to be handed over, and waiting to be acknowledged.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "journal/oldest_queue.hpp"
#include "postoffice/queue.hpp"
#include "rabbitmq/publisher_marks.hpp"

namespace postoffice::rabbitmq {

/// No threads and no broker in here: messages and their tags go in, deliveries and tags to be
/// acknowledged come out.
class ShardBuffer {
 public:
  /// `session`: messages carried forward by it are marked so.
  explicit ShardBuffer(std::uint64_t session) : session_(session) {}

  /// A new channel: what was not handed over comes again, and tags begin with 1.
  void begin_channel();

  /// The next message. False if it makes no sense: it is to be rejected.
  bool add(Bytes body);

  /// A message of this session is on its way: held back until its append is done.
  void hold(Sequence sequence) { held_.insert(sequence); }
  void release(Sequence sequence) { held_.erase(sequence); }

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
  PublisherMarks& marks() { return marks_; }
  const PublisherMarks& marks() const { return marks_; }

 private:
  struct Item {
    MessageHeader header;
    Sequence sequence;  // of the last entry up to here
    std::uint32_t ids;
    bool entry;  // else a tick
  };
  struct Tag {
    Sequence sequence;  // may be acknowledged with it
    bool rejected;
  };

  bool held(const Item& item) const;
  void pass_ticks();

  const std::uint64_t session_;
  std::deque<Item> items_;
  std::vector<ObjectId> ids_;  // of the items, in order
  std::size_t ids_begin_ = 0;
  std::vector<MessageHeader> handing_;  // taken, not yet handed
  bool taking_ = false;
  PublisherMarks marks_;
  std::set<Sequence> held_;

  Sequence last_ = 0;   // given to a message
  Sequence taken_ = 0;  // given to the reader
  Sequence acknowledged_ = 0;
  std::deque<Tag> tags_;
  std::uint64_t first_tag_ = 1;
  journal::OldestQueue kept_times_;
  std::uint64_t accepted_ids_ = 0;
  std::uint64_t accepted_callbacks_ = 0;
};

}  // namespace postoffice::rabbitmq
