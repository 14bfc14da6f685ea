// Consumes one shard.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/broker_session.hpp"
#include "rabbitmq/consumer_report.hpp"
#include "rabbitmq/consumption_watch.hpp"
#include "rabbitmq/declare.hpp"
#include "rabbitmq/gap_watch.hpp"
#include "rabbitmq/shard_buffer.hpp"

namespace postoffice::rabbitmq {

/// Only wires its parts to each other, to a reader and to a connection; they decide.
///
/// Reads complete without its mutex. append_held() alone calls something with it held: what
/// `append` does may take other mutexes, but must not come back here.
class Consumer final : private BrokerSession {
 public:
  Consumer(const RabbitOptions& options, int shard, std::uint64_t own_session, const Clock& clock,
           Log log);
  /// Waits a moment for the broker to hear of the last acknowledgement, if it answers. A waiting
  /// read fails with Error::stopped.
  ~Consumer();

  void read(std::size_t ids_max, Queue::ReadDone done) EXCLUDES(mutex_);
  void acknowledge(Sequence up_to) EXCLUDES(mutex_);
  QueueProgress progress() const EXCLUDES(mutex_);
  QueueStatistics statistics() const EXCLUDES(mutex_);
  RabbitQueueStatus details() const EXCLUDES(mutex_);
  std::uint64_t session() const EXCLUDES(mutex_);
  /// Which session nobody else can have been served before, since the one that was before it.
  void nobody_before(std::uint64_t session) EXCLUDES(mutex_);
  std::vector<std::uint64_t> heard_before(Timestamp as_of) const EXCLUDES(mutex_);
  std::vector<std::uint64_t> departed(Timestamp applied) const EXCLUDES(mutex_);
  void forget(std::uint64_t publisher) EXCLUDES(mutex_);

  /// Appends something to this shard by `append`, which returns an error or the sequence that the
  /// message will carry. It is not handed over before released(). One `append` at a time.
  std::error_code append_held(const std::function<std::error_code(Sequence&)>& append)
      EXCLUDES(mutex_);
  void released(Sequence sequence) EXCLUDES(mutex_);
  void released_requeued(Sequence sequence, Timestamp stamp, std::span<const ObjectId> ids)
      EXCLUDES(mutex_);

 private:
  // On the session's thread.
  Failure set_up(Connection& connection) override;
  void connected(SteadyTime now) override EXCLUDES(mutex_);
  SteadyTime step(Connection& connection, SteadyTime now) override EXCLUDES(mutex_);
  void disconnected() override EXCLUDES(mutex_);
  void on_deliver(std::uint64_t tag, bool redelivered, std::string_view label, Bytes body) override
      EXCLUDES(mutex_);
  void on_huge(std::uint64_t tag, std::uint64_t size) override EXCLUDES(mutex_);
  void on_answer(const QueueAnswer& answer) override EXCLUDES(mutex_);

  void ask(Connection& connection, SteadyTime now) EXCLUDES(mutex_);
  bool may_be_silent() const EXCLUDES(mutex_);
  void begin_serving() REQUIRES(mutex_);
  void look_for_gaps(bool redelivered, std::string_view label, Bytes body) REQUIRES(mutex_);
  void reject(std::uint64_t tag, const std::string& why) REQUIRES(mutex_);

  // From any thread.
  void note_missing() REQUIRES(mutex_);
  void deliver() REQUIRES(mutex_);

  const RabbitOptions options_;
  const std::string queue_;
  const std::string dead_;

  mutable Mutex mutex_;
  ShardBuffer buffer_ GUARDED_BY(mutex_);
  GapWatch gaps_ GUARDED_BY(mutex_);
  ConsumerReport report_ GUARDED_BY(mutex_);
  Queue::ReadDone read_ GUARDED_BY(mutex_);
  std::size_t ids_max_ GUARDED_BY(mutex_) = 0;
  bool delivering_ GUARDED_BY(mutex_) = false;
  bool leaving_ GUARDED_BY(mutex_) = false;
  ConditionVariable left_;                   // … or has no connection
  bool serving_ GUARDED_BY(mutex_) = false;  // this channel has brought something
  std::uint64_t sessions_ GUARDED_BY(mutex_) = 0;

  // The thread's.
  ExistingQueues existing_;
  ConsumptionWatch watch_;
  std::vector<std::uint64_t> rejected_;  // tags
};

}  // namespace postoffice::rabbitmq
