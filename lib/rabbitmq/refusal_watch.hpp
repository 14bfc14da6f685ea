// A broker that refuses messages (nack): since when, until when, and what to try.
#pragma once

#include "base/backoff.hpp"
#include "rabbitmq/frame_sink.hpp"

namespace postoffice::rabbitmq {

/// A refusal mostly means that a queue is full, and is over when messages pass again. But where a
/// node has just died, RabbitMQ may refuse all that comes by one channel, for as long as that
/// channel lives, although the queue has room and another leader: the channel asks the leader that
/// it knew (3.10.8, findings/rabbitmq_refuses_for_a_dead_leader.sh). So another connection is
/// tried, soon for the first time, and then more and more rarely.
///
/// No threads, no broker and no clock in here.
class RefusalWatch {
 public:
  /// True if it is news: the broker did not refuse before, on any connection.
  bool refused(SteadyTime now);

  /// What was sent at that time has passed in every queue. It says nothing of a refusal after that.
  void passed_everywhere(SteadyTime sent);
  /// The only queue has taken a message.
  void passed() { refusing_ = false; }
  /// Whether the next one refuses is not known.
  void connection_ended() { refusing_ = false; }

  /// True once for each time that refused() was news, when this connection takes messages.
  bool over();

  /// True once a connection: another one is to be tried.
  bool renew(SteadyTime now);
  SteadyTime next_renewal() const { return refusing_ ? renew_at_ : SteadyTime::max(); }

  bool on_this_connection() const { return refusing_; }
  bool lasts() const { return refused_; }  ///< over connections

 private:
  bool refusing_ = false;
  bool refused_ = false;
  SteadyTime refused_at_{};
  SteadyTime renew_at_ = SteadyTime::max();
  // From the first refusal on.
  Backoff<SteadyDuration> renew_after_{std::chrono::seconds(2), std::chrono::seconds(60)};
};

}  // namespace postoffice::rabbitmq
