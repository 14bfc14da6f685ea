// Publishes callbacks to shards, and tells when the broker has confirmed them.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "rabbitmq/admission.hpp"
#include "rabbitmq/broker_session.hpp"
#include "rabbitmq/confirm_window.hpp"
#include "rabbitmq/declare.hpp"
#include "rabbitmq/queue_inspector.hpp"
#include "rabbitmq/stall_watch.hpp"
#include "rabbitmq/unread_queues.hpp"

namespace postoffice::rabbitmq {

/// Carries what Admission lets in to the broker, and back what becomes of it: on one thread, the
/// session's. Only wires parts; they decide.
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
                         Queue::AppendDone& done, Sequence* sequence = nullptr);

  void set_frontier(std::function<Timestamp()> frontier);
  void hush(bool hushed);
  void say_goodbye(std::function<void()> done);

  bool writable() const;
  RabbitPublisherStatus status() const;

 private:
  Failure set_up(Connection& connection) override;
  void connected(SteadyTime now) override;
  SteadyTime step(Connection& connection, SteadyTime now) override;
  void disconnected() override;
  void on_confirm(std::uint64_t tag, bool multiple) override;
  void on_nack(std::uint64_t tag, bool multiple) override;
  void on_return(Bytes body) override;
  void on_blocked(bool blocked) override;
  void on_answer(const QueueAnswer& answer) override;

  void send_line(Connection& connection, SteadyTime now);
  void move_to_window();
  void ask(Connection& connection, SteadyTime now);
  void tell_lost(std::uint64_t messages, SteadyTime now);
  void complete_ended();
  void look_for_stall(SteadyTime now);

  const RabbitOptions options_;
  const std::vector<std::string> queues_;
  const bool ticks_;
  Admission admission_;  // any thread's; all that follows is the session's thread's

  ConfirmWindow window_;
  std::vector<Ended> ended_;
  PublishLine::Batch batch_;
  ExistingQueues existing_;
  TickPace pace_;
  QueueInspector inspector_;
  StallWatch stall_;
};

}  // namespace postoffice::rabbitmq
