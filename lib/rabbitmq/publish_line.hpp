// What is in line for the broker, as bytes: stamped, numbered, with its place in its shard.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rabbitmq/confirm_window.hpp"
#include "rabbitmq/frame_sink.hpp"
#include "rabbitmq/frames.hpp"
#include "rabbitmq/shard_numbers.hpp"

namespace postoffice::rabbitmq {

/// No threads and no broker in here. Whoever takes a stamp puts its message in line before anybody
/// else takes one: so a tick says nothing that is not ahead of it.
class PublishLine {
 public:
  struct Batch {
    Buffer bytes;
    std::vector<Sent> sent;
  };
  struct Identity {
    std::uint64_t publisher;
    std::uint64_t session;
    bool ticks;  ///< else nobody would hear of the last places: then messages have none
  };

  /// Sequences begin behind `last`.
  PublishLine(Identity identity, const std::vector<std::string>& queues, Sequence last);

  /// Now, or later if the clock has been set back.
  Timestamp stamp(Timestamp now);
  /// Later than every callback: what is applied before it includes them all.
  Timestamp last_stamp(Timestamp told) const;

  /// One message in each shard that it has ids for. `ids`: sorted. Returns its sequence.
  Sequence put(Kind kind, Timestamp stamp, std::span<const ObjectId> ids, Queue::AppendDone done,
               SteadyTime due);
  /// To the shards whose numbers, as indices of the queues, are given.
  void put_ticks(Kind kind, Timestamp stamp, const std::vector<std::size_t>& shards,
                 Queue::AppendDone done, SteadyTime due);

  /// Everything in line, in order; `batch` is empty.
  void swap(Batch& batch) { std::swap(batch, batch_); }
  bool empty() const { return batch_.sent.empty(); }
  std::size_t bytes() const { return batch_.bytes.size(); }

  void set_frame_max(std::size_t frame_max) { frame_max_ = frame_max; }
  ShardNumbers& numbers() { return numbers_; }

 private:
  void put_message(std::size_t shard, const MessageHeader& header, std::span<const ObjectId> ids);
  std::uint32_t put_in_shards(const MessageHeader& header, std::span<const ObjectId> ids);

  const Identity identity_;
  std::vector<PublishFrames> frames_;  // one for each shard
  ShardNumbers numbers_;               // what is in line has its tags already
  Timestamp newest_{};                 // stamped so far
  Sequence last_;
  std::size_t frame_max_ = 4096;
  Batch batch_;
};

}  // namespace postoffice::rabbitmq
