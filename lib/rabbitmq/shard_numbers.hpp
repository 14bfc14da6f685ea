// Numbers what a publisher puts into each shard, and knows which numbers the broker has confirmed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "rabbitmq/place_in_line.hpp"

namespace postoffice::rabbitmq {

/// Of one session. No threads and no broker in here.
///
/// A number that was refused, returned, or on its way when the connection ended may be in the queue
/// or not: nobody may call it lost. So what is announced as confirmed is a range without holes;
/// behind such a number a new range begins. Of the finished ranges only the last is kept: a
/// consumer has heard of the older ones long before.
class ShardNumbers {
 public:
  explicit ShardNumbers(std::size_t shards) : shards_(shards) {}

  /// The next message to be sent, into `shard`. Only callbacks get a number of their own.
  PlaceInLine put(std::size_t shard, bool callback);

  // What the broker says of the messages of this connection, numbered from 1 in the order of put().
  void confirm(std::uint64_t tag, bool multiple) { answer(tag, multiple, true); }
  void refuse(std::uint64_t tag, bool multiple) { answer(tag, multiple, false); }

  /// A message was returned, whose confirm follows all the same: what is unconfirmed now will not
  /// be believed when it is confirmed.
  void doubt_all();

  /// The connection is gone: doubts all, and tags begin with 1 again.
  void end_connection();

 private:
  struct Shard {
    PlaceInLine said;            // with the next message, except its own number
    std::deque<bool> confirmed;  // of the numbers from said.now.last + 1 to said.number
  };
  struct Message {
    std::size_t shard;
    std::uint64_t number;  // 0: a tick, or answered
  };

  void answer(std::uint64_t tag, bool multiple, bool confirmed);
  void answer(Message& message, bool confirmed);
  static void doubt(Shard& shard);
  void drop_answered();

  std::vector<Shard> shards_;
  std::deque<Message> messages_;
  std::uint64_t first_tag_ = 1;
};

}  // namespace postoffice::rabbitmq
