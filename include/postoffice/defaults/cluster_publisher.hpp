// A member of a cluster that puts the callbacks of an ingress into the shards. Component
// postoffice::rabbitmq.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/forwarder.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/publisher_id.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

struct ClusterPublisherOptions {
  RabbitOptions broker;                 ///< `publisher` and `publishes` are not used
  PostgresObjectStoreOptions database;  ///< the cluster's; `instance` is not used
  std::string name{};  ///< of this run, for people and the database. Empty: "host:pid"
};

struct ClusterPublisherStatus {
  std::string id;           ///< its number, as instance_id() has it
  bool registered = false;  ///< the database knows it
  std::string copied;       ///< another process publishes as this one, in words; empty: none does
  RabbitPublisherStatus broker;
  std::optional<ForwarderStatus> forwarder;  ///< with a journal
};

/// Publishes what the ingress takes: at once, or by way of a journal, which goes on taking
/// callbacks while the broker is away. The database learns of the publisher as soon as it answers;
/// callbacks do not wait for that. While another process has this one's number (its directory was
/// copied) nothing is accepted: Error::fenced.
///
/// Errors: start() fails with the ingress's. Whatever else is down is waited for, for ever; changes
/// of state are logged, why_not() says what they mean.
/// Durability: a callback is accepted when a quorum of brokers has it on disk, or the journal has.
/// Ownership: the parts are the caller's and must outlive the publisher. `clock` must run its tasks
/// on `loop` (SystemClock does); nobody else may read the journal; the id must be open.
/// Threads: start(), stop(), use_credentials() and what tells a status from any thread, but not
/// from within a part's method.
///
/// Lifetime: stopped, then destroyed; or destroyed without a stop, which is like a crash: what is
/// on its way fails with Error::stopped, what is in the journal stays for the next run, and workers
/// wait for that. The destructor may run on any thread, whether the loop runs or not, and inside
/// what stop() is done with; it waits for calls under way. What the ingress takes afterwards is
/// refused.
class ClusterPublisher {
 public:
  struct Parts {
    EventLoop& loop;
    Clock& clock;
    Ingress& ingress;
    const PublisherId& id;
    Queue* journal = nullptr;  ///< null: callbacks go to the broker directly
  };

  /// Throws std::invalid_argument for options that cannot work. Begins to connect to the broker.
  ClusterPublisher(Parts parts, ClusterPublisherOptions options, Log log = {});
  ~ClusterPublisher();
  ClusterPublisher(const ClusterPublisher&) = delete;
  ClusterPublisher& operator=(const ClusterPublisher&) = delete;

  /// Begins to accept callbacks. An error is the ingress's, and final. Once; after a stop() it
  /// fails with Error::stopped.
  std::error_code start();

  /// Accepts no more, answers what was read, publishes what it has, says goodbye: rows no longer
  /// wait for this publisher. Callbacks that stay in the journal because the broker is away are
  /// left for the next run; then there is no goodbye. `done` comes once, on the clock's thread, and
  /// may destroy the publisher. May be called again, while it stops or afterwards: each `done`
  /// comes, unless the publisher is destroyed before.
  void stop(std::function<void()> done);

  /// As PostgresInstances::use_credentials().
  bool use_credentials(const std::string& conninfo);

  /// Why a callback is not accepted now, for people; empty: it is, as far as the broker and the
  /// database go. With a journal look there, too.
  std::string why_not() const;

  ClusterPublisherStatus status() const;

  /// The first steps of one: what was accepted, and the queue. `now` moves as the loop does.
  PipelineStatus pipeline_status() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
