// Stamps callbacks, puts them in line, and tells when the broker has confirmed them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/thread_annotations.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/broker_session.hpp"
#include "rabbitmq/confirm_window.hpp"
#include "rabbitmq/declare.hpp"
#include "rabbitmq/publish_line.hpp"
#include "rabbitmq/publisher_report.hpp"
#include "rabbitmq/publisher_state.hpp"
#include "rabbitmq/queue_inspector.hpp"
#include "rabbitmq/refusal_watch.hpp"
#include "rabbitmq/stall_watch.hpp"
#include "rabbitmq/unread_queues.hpp"

namespace postoffice::rabbitmq {

/// Only wires its parts to each other, to callers and to a connection; they decide.
///
/// Its mutex is a leaf: nothing is called with it held that might take another one but the clock.
/// So a caller may hold one of its own.
class Publisher final : private BrokerSession {
 public:
  /// To all shards, by their ids, or to one alone, whatever they are. Only with ticks are callbacks
  /// accepted that get their stamp here.
  enum class Ticks { no, yes };

  Publisher(const RabbitOptions& options, const std::vector<int>& shards, std::uint64_t session,
            Ticks ticks, Clock& clock, Log log);
  ~Publisher();

  /// Stamped now if there is no `stamp`. With an error nothing happened, and `done` is never
  /// called; else `sequence`, if given, gets the one that its receipt will name, even if it comes
  /// with an error.
  std::error_code append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp,
                         Queue::AppendDone& done, Sequence* sequence = nullptr) EXCLUDES(mutex_);

  void set_frontier(std::function<Timestamp()> frontier) EXCLUDES(mutex_);
  void hush(bool hushed) EXCLUDES(mutex_);
  void say_goodbye(std::function<void()> done) EXCLUDES(mutex_);

  bool writable() const EXCLUDES(mutex_);
  RabbitPublisherStatus status() const EXCLUDES(mutex_);

 private:
  // On the session's thread, as is all that follows.
  bool set_up(Connection& connection, std::string& reason) override;
  void connected(SteadyTime now) override EXCLUDES(mutex_);
  SteadyTime step(Connection& connection, SteadyTime now) override EXCLUDES(mutex_);
  void disconnected() override EXCLUDES(mutex_);
  void on_confirm(std::uint64_t tag, bool multiple) override EXCLUDES(mutex_);
  void on_nack(std::uint64_t tag, bool multiple) override EXCLUDES(mutex_);
  void on_return(Bytes body) override EXCLUDES(mutex_);
  void on_blocked(bool blocked) override EXCLUDES(mutex_);
  void on_answer(const QueueAnswer& answer) override EXCLUDES(mutex_);

  void tick(SteadyTime now) EXCLUDES(mutex_);
  void send_line(Connection& connection, SteadyTime now) EXCLUDES(mutex_);
  void move_to_window();
  void ask(Connection& connection, SteadyTime now);
  void tell_lost(std::uint64_t messages) EXCLUDES(mutex_);
  void finish() EXCLUDES(mutex_);
  void judge_ended(SteadyTime now) EXCLUDES(mutex_);
  void judge(const Ended& ended) REQUIRES(mutex_);
  void look_for_stall(SteadyTime now) EXCLUDES(mutex_);
  void renew_if_refused(SteadyTime now) EXCLUDES(mutex_);
  SteadyTime next_step(SteadyTime now) EXCLUDES(mutex_);

  // From any thread.
  std::error_code refusal(bool needs_stamp) const REQUIRES(mutex_);

  const RabbitOptions options_;
  const std::vector<std::string> queues_;
  const bool ticks_;
  Clock& clock_;

  mutable Mutex mutex_;
  PublishLine line_ GUARDED_BY(mutex_);
  PublisherState state_ GUARDED_BY(mutex_);
  RefusalWatch refusals_ GUARDED_BY(mutex_);
  PublisherReport report_ GUARDED_BY(mutex_);
  std::function<Timestamp()> frontier_ GUARDED_BY(mutex_);
  std::size_t unsent_ GUARDED_BY(mutex_) = 0;    // bytes, when the thread looked last
  std::size_t messages_ GUARDED_BY(mutex_) = 0;  // in the window, when the thread looked last
  bool asleep_ GUARDED_BY(mutex_) = false;

  // The thread's.
  ConfirmWindow window_;
  std::vector<Ended> ended_;
  PublishLine::Batch batch_;
  ExistingQueues existing_;
  TickPace pace_;
  QueueInspector inspector_;
  StallWatch stall_;
};

}  // namespace postoffice::rabbitmq
