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
/// A number that was refused, returned, or on its way when the connection ended may stand in the
/// queue or not: nobody may call it lost. So what is said to be confirmed is a range without a
/// hole; behind such a number a new one begins. Only the last of those that ended is kept, since
/// all that a consumer hears of the older ones it has heard long before.
class ShardNumbers {
 public:
  explicit ShardNumbers(std::size_t shards) : shards_(shards) {}

  /// The next message to be sent, into `shard`. Only callbacks get a number of their own.
  PlaceInLine put(std::size_t shard, bool callback);

  // What the broker says of the messages of this connection, numbered from 1 in the order of put().
  void confirm(std::uint64_t tag, bool multiple) { answer(tag, multiple, true); }
  void refuse(std::uint64_t tag, bool multiple) { answer(tag, multiple, false); }

  /// What has not been confirmed will never be believed: a message came back, whose confirm follows
  /// all the same.
  void doubt_all();

  /// The connection is gone: doubts all, and tags begin with 1 again.
  void end_connection();

 private:
  struct Shard {
    PlaceInLine said;            // with the next message, but for its own number
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
