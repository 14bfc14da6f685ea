// What a publisher lets in, and what it knows of it: the part that any thread may call.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/thread_annotations.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/publish_line.hpp"
#include "rabbitmq/publisher_report.hpp"
#include "rabbitmq/publisher_state.hpp"
#include "rabbitmq/refusal_watch.hpp"

namespace postoffice::rabbitmq {

/// Stamps and puts in line under one mutex, so that the order of stamps is the order in line. The
/// mutex is a leaf: nothing is called with it held that might take another one but the clock. So a
/// caller may hold one of its own. No broker in here.
class Admission {
 public:
  Admission(const RabbitOptions& options, const std::vector<std::string>& queues,
            std::uint64_t session, bool ticks, Clock& clock);

  struct Answer {
    std::error_code error;  ///< then nothing happened
    Sequence sequence = 0;
    bool wake = false;  ///< the publisher's thread does not know that there is something to do
  };
  /// `ids`: sorted. Stamped now if there is no `stamp`.
  Answer append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp,
                Queue::AppendDone& done) EXCLUDES(mutex_);
  void set_frontier(std::function<Timestamp()> frontier) EXCLUDES(mutex_);
  void hush(bool hushed) EXCLUDES(mutex_);
  /// Lets nothing in any more. False if no goodbye can be said now.
  bool say_goodbye(const std::function<void()>& done) EXCLUDES(mutex_);
  bool writable() const EXCLUDES(mutex_);
  RabbitPublisherStatus status() const EXCLUDES(mutex_);

  // By the publisher's thread.
  void opened() EXCLUDES(mutex_);
  /// The connection is gone; `batch` gets what was in line.
  void closed(PublishLine::Batch& batch) EXCLUDES(mutex_);
  struct Progress {
    std::size_t frame_max;
    std::size_t unsent;    ///< bytes
    std::size_t messages;  ///< unconfirmed
  };
  void look(const Progress& progress) EXCLUDES(mutex_);
  /// At the beginning and after a refusal the next ticks go to all shards at once: only a round
  /// that passes everywhere shows that all have heard of this publisher, and that none is full.
  bool needs_full_round() const EXCLUDES(mutex_);
  void tick(const std::vector<std::size_t>& shards, SteadyTime now) EXCLUDES(mutex_);
  void pop_line(PublishLine::Batch& batch) EXCLUDES(mutex_);
  /// When the thread must go on: now, or at `next`, or when append() says so.
  SteadyTime sleep(SteadyTime now, SteadyTime next) EXCLUDES(mutex_);

  // What the broker says, by the same thread.
  void confirmed(std::uint64_t tag, bool multiple) EXCLUDES(mutex_);
  bool refused(std::uint64_t tag, bool multiple, SteadyTime now) EXCLUDES(mutex_);  ///< true: news
  void returned() EXCLUDES(mutex_);
  void set_blocked(bool blocked) EXCLUDES(mutex_);
  bool blocked() const EXCLUDES(mutex_);
  bool renew(SteadyTime now) EXCLUDES(mutex_);  ///< RefusalWatch::renew
  void dead(std::uint64_t messages, SteadyTime now) EXCLUDES(mutex_);
  bool lost(std::uint64_t messages, SteadyTime now) EXCLUDES(mutex_);  ///< true: news
  struct News {
    bool greeted = false;      ///< all shards have heard of this publisher
    bool takes_again = false;  ///< the refusal is over
  };
  News judge(const std::vector<Ended>& ended, SteadyTime now) EXCLUDES(mutex_);

 private:
  std::error_code refusal(bool needs_stamp) const REQUIRES(mutex_);
  void judge(const Ended& ended) REQUIRES(mutex_);

  const std::chrono::milliseconds confirm_timeout_;
  const std::size_t shards_;
  const bool ticks_;
  Clock& clock_;

  mutable Mutex mutex_;
  PublishLine line_ GUARDED_BY(mutex_);
  PublisherState state_ GUARDED_BY(mutex_);
  RefusalWatch refusals_ GUARDED_BY(mutex_);
  PublisherReport report_ GUARDED_BY(mutex_);
  std::function<Timestamp()> frontier_ GUARDED_BY(mutex_);
  Progress progress_ GUARDED_BY(mutex_){};  // when the thread looked last
  // No Mailbox: a callback is stamped and put in line under the same mutex. And a thread that is
  // awake looks at the line before it sleeps, so it need not be woken for what comes meanwhile.
  bool asleep_ GUARDED_BY(mutex_) = false;
};

}  // namespace postoffice::rabbitmq
