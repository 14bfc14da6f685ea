// Consumes one shard.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/broker_session.hpp"
#include "rabbitmq/declare.hpp"
#include "rabbitmq/gap_watch.hpp"
#include "rabbitmq/shard_buffer.hpp"

namespace postoffice::rabbitmq {

class Consumer final : private BrokerSession {
 public:
  Consumer(const RabbitOptions& options, int shard, std::uint64_t own_session, Log log);
  /// Waits a moment for the broker to hear of the last acknowledgement, if it answers. A waiting
  /// read fails with Error::stopped.
  ~Consumer();

  void read(std::size_t ids_max, Queue::ReadDone done);
  void acknowledge(Sequence up_to);
  void fill(QueueStatus& status) const;
  RabbitQueueStatus details() const;
  std::uint64_t session() const;
  /// Which session nobody else can have been served before, since the one that was before it.
  void nobody_before(std::uint64_t session);
  std::vector<std::uint64_t> departed(Timestamp applied) const;
  void forget(std::uint64_t publisher);

  /// Appends something to this shard by `append`, which returns an error or the sequence that the
  /// message will carry. It is not handed over before released().
  std::error_code append_held(const std::function<std::error_code(Sequence&)>& append);
  void released(Sequence sequence);
  void released_carried(Sequence sequence, Timestamp stamp, std::span<const ObjectId> ids);

 private:
  using Lock = std::unique_lock<std::mutex>;

  bool set_up(Connection& connection, std::string& reason) override;
  void connected(SteadyTime now) override;
  SteadyTime step(Connection& connection, SteadyTime now) override;
  void disconnected() override;
  void on_deliver(std::uint64_t tag, bool redelivered, std::string_view label, Bytes body) override;
  void on_huge(std::uint64_t tag, std::uint64_t size) override;
  void on_answer(const QueueAnswer& answer) override;

  void ask(Connection& connection, SteadyTime now);
  void put_question_now(Connection& connection);
  void count_dead(std::uint64_t messages);
  void begin_serving();
  void look_for_gaps(bool redelivered, std::string_view label, Bytes body);
  void note_missing();
  void reject(std::uint64_t tag, const std::string& why);
  bool falls_silent(SteadyTime now) const;

  void deliver(Lock& lock);

  const RabbitOptions options_;
  const std::string queue_;
  const std::string dead_;

  mutable std::mutex mutex_;
  ShardBuffer buffer_;
  GapWatch gaps_;
  Queue::ReadDone read_;
  std::size_t ids_max_ = 0;
  bool delivering_ = false;
  bool leaving_ = false;
  std::condition_variable left_;  // … or has no connection
  bool serving_ = false;          // this channel has brought something
  std::uint64_t sessions_ = 0;
  RabbitQueueStatus counters_;
  std::optional<SteadyTime> dead_grew_;
  std::optional<SteadyTime> rejected_at_;
  std::optional<SteadyTime> missing_since_;  // … and always after less than told_for, until now
  SteadyTime missing_at_{};

  // The thread's.
  ExistingQueues existing_;
  std::vector<std::uint64_t> rejected_;  // tags
  SteadyTime next_question_{};
  std::uint64_t asked_ = 0;     // on this channel
  std::uint64_t answered_ = 0;  // answers come in the order of the questions
  std::uint64_t farewell_ = 0;  // the question behind the last acknowledgement
  int unanswered_ = 0;
  int alone_ = 0;  // answers in a row that knew of no consumer
  SteadyTime delivered_{};
};

}  // namespace postoffice::rabbitmq
