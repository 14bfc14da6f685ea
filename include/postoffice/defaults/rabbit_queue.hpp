// A queue in RabbitMQ: publishers on some machines, consumers on others. Component
// postoffice::rabbitmq. Format and rules: docs/rabbit_format.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/clock.hpp"
#include "postoffice/log.hpp"
#include "postoffice/queue.hpp"
#include "postoffice/result.hpp"

namespace postoffice {

struct RabbitOptions {
  /// amqp://user:password@host:port/vhost, parts percent-encoded; several hosts of one cluster with
  /// commas between them: host1:port,host2:port. amqps:// is TLS, with the query
  /// parameters cacertfile (else what the system trusts), certfile, keyfile, verify (verify_peer
  /// unless it says verify_none) and server_name_indication. Files are read at each connect.
  std::string url = "amqp://localhost";
  /// If given, called at each connect, on the connection's own thread: the same broker as `url`,
  /// with the current user and password.
  std::function<std::string()> url_now{};
  std::string prefix = "postoffice";  ///< of all names at the broker
  int shards = 8;  ///< durable quorum queues; the same number for all publishers and consumers

  /// A callback that is not confirmed within this time was not accepted.
  std::chrono::milliseconds confirm_timeout{800};
  std::chrono::milliseconds reconnect_max{2'000};  ///< between two attempts to connect, at most
  std::chrono::milliseconds tick{250};             ///< between two ticks
  /// Both sides send something at least this often. Rounded up to seconds.
  std::chrono::milliseconds heartbeat{5'000};

  std::uint64_t publisher = 0;      ///< identity, fixed for the life of a data directory; 0: random
  std::size_t window_max = 65'536;  ///< unconfirmed callbacks; more are refused
  std::size_t buffer_bytes_max = 16u << 20;  ///< not yet taken by the broker; more is refused
  int prefetch = 20'000;  ///< messages handed to a consumer and not acknowledged, 1 to 65'535

  /// RabbitQueue only: this object is the only publisher of its shard, too. It sends ticks, and
  /// append() takes callbacks. Otherwise append() only requeues.
  bool publishes = false;

  /// Throws std::invalid_argument for options that cannot work. Connects to nothing.
  void check() const;

  /// As check(), and reads the files that the URL names, as a connect would.
  void check_with_files() const;
};

struct RabbitPublisherStatus {
  std::uint64_t publisher = 0;
  bool connected = false;  ///< all shards have confirmed this connection's hello
  bool blocked = false;    ///< the broker lacks memory or disk space and does not take messages
  bool refusing = false;   ///< the broker has refused a message, and since then has not confirmed a
                           ///< round of ticks, on any connection
  std::size_t unconfirmed = 0;  ///< callbacks on their way
  std::string trouble;          ///< why it is not connected, for people; without the password

  std::uint64_t accepted_callbacks = 0;
  std::uint64_t accepted_ids = 0;  ///< distinct within their callbacks
  std::uint64_t forwarded = 0;
  std::uint64_t refused = 0;  ///< at once: not connected, blocked, or too much unconfirmed
  std::uint64_t overdue = 0;
  std::uint64_t returned = 0;  ///< there was no queue
  std::uint64_t nacked = 0;    ///< refused by the broker: a queue has reached its limit
  std::uint64_t broken = 0;    ///< on their way when the connection ended
  std::uint64_t connects = 0;

  std::uint64_t lost = 0;  ///< confirmed messages that vanished from queues without a consumer
  bool losing = false;     ///< some within the last ten minutes
  std::optional<std::uint64_t> dead;  ///< messages in the dead queue, seen within seconds
  bool dead_grows = false;            ///< some have come within ten minutes
};

/// Puts callbacks into the shards. An append completes without error when a quorum of brokers has
/// written each of the callback's messages to disk. Every failure becomes an error within
/// confirm_timeout, mostly Error::unavailable (at once) or Error::not_durable (the outcome is
/// unknown). Never gives up connecting.
///
/// Threads: all methods may be called from any thread. Completions run on the publisher's own
/// thread, or before the method returns. Bad options throw std::invalid_argument.
///
/// Lifetime: stop() may be called on any thread, again, and inside a completion. The destructor may
/// run without it: unconfirmed callbacks fail with Error::stopped, and no completion runs after it
/// has returned; one that runs before may call the publisher, and the call is refused. Any thread
/// may destroy the publisher, but not inside a completion (that of stop() included), nor while
/// holding a lock that a completion takes. The clock must outlive it.
class RabbitPublisher {
 public:
  using ForwardDone = std::function<void(std::error_code)>;

  RabbitPublisher(RabbitOptions options, Clock& clock, Log log = {});
  ~RabbitPublisher();  ///< without a goodbye

  /// Stamps a callback now and publishes it (see Queue::append).
  void append(std::span<const ObjectId> ids, Queue::AppendDone done);

  /// Publishes a callback that already has its receipt time, from a queue that is itself durable.
  /// After an error the caller must try again. Needs set_frontier().
  void forward(std::span<const ObjectId> ids, Timestamp received_at, ForwardDone done);

  /// Ticks carry the time that `frontier` returns instead of now. It must not exceed the receipt
  /// time of a callback whose forward() has not succeeded yet. It is called on the publisher's
  /// thread, and by stop(); it must not call the publisher. With a frontier call stop() only when
  /// every callback was forwarded, since the goodbye says so.
  void set_frontier(std::function<Timestamp()> frontier);

  /// Set it while another process publishes under this number: no callbacks are taken
  /// (Error::fenced), no ticks and no goodbye are sent.
  void hush(bool hushed);

  /// Takes no more callbacks, says goodbye to every shard, waits for unconfirmed callbacks, then
  /// calls `done`: after twice confirm_timeout at the latest, whatever the broker does.
  void stop(std::function<void()> done);

  RabbitPublisherStatus status() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

struct RabbitQueueStatus {
  bool connected = false;          ///< consuming, or waiting behind another consumer
  std::string trouble;             ///< why not, for people
  std::size_t unacknowledged = 0;  ///< messages, ticks included
  std::uint64_t redelivered = 0;   ///< messages
  std::uint64_t rejected = 0;      ///< messages that could not be read: they are in the dead queue
  std::string rejected_last;       ///< why the last one was, for people; kept for ten minutes
  std::optional<std::uint64_t> dead;  ///< messages in the dead queue, seen within seconds
  bool dead_grows = false;            ///< some have come within ten minutes
  /// Messages with callbacks that were confirmed to their publishers and never arrived: discarded
  /// by the broker, or consumed by another program.
  std::uint64_t missing = 0;
  /// If any were missed within the last ten minutes: how long ago that began.
  std::optional<std::chrono::seconds> missing_for;
  std::uint64_t connects = 0;
};

/// Takes callbacks out of one shard. The broker serves one consumer of a shard at a time; when that
/// one leaves, the next gets everything it has not acknowledged, in the same order.
///
/// Sequences number the callbacks that this object hands over; after a reconnect callbacks come
/// again, with new sequences. Receipts of append() name other sequences (QueuedCallback::receipt).
///
/// Threads: as Queue; completions run on the queue's own threads, or before the method returns.
///
/// Lifetime: as FileQueue, but callbacks on their way to the broker fail with Error::stopped.
class RabbitQueue final : public Queue {
 public:
  RabbitQueue(RabbitOptions options, int shard, Clock& clock, Log log = {});
  ~RabbitQueue() override;

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              AppendDone done) override;
  void read(std::size_t ids_max, ReadDone done) override;
  void acknowledge(Sequence up_to) override;
  QueueProgress progress() const override;
  QueueStatistics statistics() const override;

  /// Changes whenever the broker begins to serve this consumer; 0: it never has.
  std::uint64_t session() const;

  /// States that no other consumer has acknowledged anything between this session and the one
  /// before, so what is missing was lost. Does nothing if there is a newer session by now.
  void nobody_before(std::uint64_t session);

  /// The publishers that a frontier read at or after `as_of`, by this queue's clock, covers. A
  /// publisher first heard later may have stamped below that frontier. Sorted.
  std::vector<std::uint64_t> heard_before(Timestamp as_of) const;

  /// The publishers that said goodbye and stamped everything before `applied`, the watermark of
  /// this shard. Each is listed until forget(), or until it is heard again.
  std::vector<std::uint64_t> departed(Timestamp applied) const;

  /// This publisher no longer holds the frontier back, until it is heard again.
  void forget(std::uint64_t publisher);

  RabbitQueueStatus details() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Connects and logs in once, blocking for a few seconds a host at most; declares nothing. The
/// failure names each host with its reason, never the password. Throws std::invalid_argument for
/// options that cannot work.
Failure check_rabbit(const RabbitOptions& options);

}  // namespace postoffice
