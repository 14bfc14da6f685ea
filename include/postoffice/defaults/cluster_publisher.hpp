// A member of a cluster that puts the callbacks of an ingress into the shards. Component
// postoffice::rabbitmq.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/forwarder.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/publisher_id.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/ingress.hpp"
#include "postoffice/log.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/queue.hpp"

namespace postoffice {

struct ClusterPublisherOptions {
  RabbitOptions broker{};               ///< `publisher` and `publishes` are not used
  PostgresInstancesOptions database{};  ///< the cluster's
  std::string name{};  ///< of this run, shown to people and kept in the database. Empty: "host:pid"
};

struct ClusterPublisherStatus {
  std::string id;           ///< the publisher's number, as PostgresInstanceRow::id() writes it
  bool registered = false;  ///< the database has registered this publisher
  std::string copied;  ///< which other process publishes under this number, in words; empty: none
  RabbitPublisherStatus broker;
  std::optional<ForwarderStatus> forwarder;  ///< only with a journal
};

/// Publishes the callbacks that the ingress takes: at once, or through a journal, which still
/// accepts callbacks while the broker cannot be reached. The publisher registers with the database
/// as soon as the database answers; callbacks do not wait for that. While another process uses this
/// publisher's number (its directory was copied) nothing is accepted: Error::fenced.
///
/// Errors: start() fails with the ingress's error. The publisher waits without limit for anything
/// else that is down; it logs changes of state, and why_not() says what they mean.
/// Durability: a callback is accepted when it is on the disks of a quorum of brokers, or in the
/// journal. Ownership: the parts are the caller's and must outlive the publisher. `clock` must run
/// its tasks on `loop` (SystemClock does); nothing else may read the journal; the id must be open.
/// Threads: all methods may be called from any thread, but not from within a part's method.
///
/// Lifetime: stopped, then destroyed; or destroyed without a stop, which is like a crash: callbacks
/// on their way to the broker fail with Error::stopped, those in the journal stay for the next run,
/// and workers wait for that run. The destructor may run on any thread, whether the loop runs or
/// not, and inside the `done` of stop(); it waits for calls under way. Callbacks that the ingress
/// takes afterwards are refused.
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

  /// Begins to accept callbacks. An error is the ingress's, and final. Call it once; after a stop()
  /// it fails with Error::stopped.
  std::error_code start();

  /// Accepts a callback that came in another way than through the ingress, as Queue::append() does.
  /// Fails with Error::stopped before start() and during a stop.
  void append(std::span<const ObjectId> ids, Queue::AppendDone done);

  /// Accepts no more callbacks, answers those that were read, publishes what it has and says
  /// goodbye, after which deletes no longer wait for this publisher. Callbacks that stay in the
  /// journal because the broker cannot be reached are left for the next run; then there is no
  /// goodbye. `done` is called once, on the clock's thread, and may destroy the publisher. stop()
  /// may be called again, during the stop or afterwards: each `done` is called, unless the
  /// publisher is destroyed before.
  void stop(std::function<void()> done);

  /// As PostgresInstances::use_credentials().
  bool use_credentials(const std::string& conninfo);

  /// Why a callback is not accepted now, for people; empty: broker and database do not prevent it.
  /// With a journal ask the journal, too.
  std::string why_not() const;

  ClusterPublisherStatus status() const;

  /// Only the fields that a publisher has: what was accepted, and the queue. `now` advances while
  /// the loop runs.
  PipelineStatus pipeline_status() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace postoffice
