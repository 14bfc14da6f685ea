// Stamps callbacks, puts them in line, and tells when the broker has confirmed them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "rabbitmq/broker_session.hpp"
#include "rabbitmq/confirm_window.hpp"
#include "rabbitmq/shard_numbers.hpp"
#include "rabbitmq/unread_queues.hpp"

namespace postoffice::rabbitmq {

/// Throws std::invalid_argument if they cannot work; fills in a random publisher.
RabbitOptions checked(RabbitOptions options);

class Publisher final : private BrokerSession {
 public:
  /// To all shards, by their ids, or to one alone, whatever they are. Only with ticks are callbacks
  /// taken that get their stamp here.
  enum class Ticks { no, yes };

  Publisher(const RabbitOptions& options, std::vector<int> shards, std::uint64_t session,
            Ticks ticks, Clock& clock, Log log);
  ~Publisher();

  /// Stamped now if there is no `stamp`. With an error nothing happened, and `done` is never
  /// called; else `sequence`, if given, gets the one that its receipt will name, even if it comes
  /// with an error.
  std::error_code append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp,
                         Queue::AppendDone& done, Sequence* sequence = nullptr);

  void set_frontier(std::function<Timestamp()> frontier);
  void hush(bool hushed);
  void say_goodbye(std::function<void()> done);

  bool writable() const;
  RabbitPublisherStatus status() const;

 private:
  struct Line {  // what waits for the thread
    Buffer bytes;
    std::vector<Sent> sent;
  };

  // The thread's side.
  bool set_up(Connection& connection, std::string& reason) override;
  void connected(SteadyTime now) override;
  SteadyTime step(Connection& connection, SteadyTime now) override;
  void disconnected() override;
  void on_confirm(std::uint64_t tag, bool multiple) override;
  void on_nack(std::uint64_t tag, bool multiple) override;
  void on_return(Bytes body) override;
  void on_blocked(bool blocked) override;
  void on_answer(const QueueAnswer& answer) override;

  void ask(Connection& connection, SteadyTime now);
  void count_dead(std::uint64_t messages);
  void count_lost(std::uint64_t messages);
  void tick(SteadyTime now);
  void take_line(Connection& connection, SteadyTime now);
  void finish();
  void count(const Ended& ended);
  void look_for_stall(SteadyTime now);
  void renew_if_refused(SteadyTime now);

  // With the mutex held.
  std::error_code refusal(bool stamped) const;
  void put(Kind kind, Timestamp stamp, std::span<const ObjectId> ids, Queue::AppendDone done,
           SteadyTime due);
  /// To the shards whose numbers, as indices of frames_, are given.
  void put_ticks(Kind kind, Timestamp stamp, const std::vector<std::size_t>& shards,
                 Queue::AppendDone done, SteadyTime due);
  void put_message(std::size_t shard, const MessageHeader& header, std::span<const ObjectId> ids);
  std::vector<std::size_t> shards_to_tick(SteadyTime now);

  const RabbitOptions options_;
  const std::vector<int> shards_;
  const bool ticks_;
  Clock& clock_;
  const std::uint64_t session_;
  std::vector<PublishFrames> frames_;  // one for each of shards_

  mutable std::mutex mutex_;
  Line line_;
  ShardNumbers numbers_;  // what is in line has its tags already
  Timestamp newest_{};    // stamped so far
  Sequence last_;
  std::size_t frame_max_ = 4096;
  std::size_t unsent_ = 0;    // bytes, when the thread looked last
  std::size_t messages_ = 0;  // not confirmed, of callbacks that are overdue, too
  bool open_ = false;         // the connection works …
  bool ready_ = false;        // … and all shards have heard of us
  bool blocked_ = false;
  bool refusing_ = false;  // on this connection
  bool refused_ = false;   // see RabbitPublisherStatus: over connections, as long as it lasts
  bool stopped_ = false;
  bool asleep_ = false;
  bool hushed_ = false;
  std::function<Timestamp()> frontier_;
  RabbitPublisherStatus counters_;
  SteadyTime refused_at_{};
  std::optional<SteadyTime> lost_at_;
  std::optional<SteadyTime> dead_grew_;

  // The thread's.
  ConfirmWindow window_;
  std::vector<Ended> ended_;
  Line taken_;
  ExistingQueues existing_;
  TickPace pace_;
  UnreadQueues unread_;
  UnreadQueues::Look look_;     // being taken: the answers so far
  std::size_t unanswered_ = 0;  // questions
  SteadyTime next_question_{};
  SteadyTime renew_at_{};       // while the broker refuses
  SteadyDuration renew_after_;  // from the first refusal on
  SteadyTime progress_{};       // when the broker confirmed something, or nothing was on its way
};

}  // namespace postoffice::rabbitmq
