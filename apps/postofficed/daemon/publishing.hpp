// What takes callbacks in and publishes them: all of serve, half of run with a broker.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/broker.hpp"
#include "daemon/publisher_place.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/forwarder.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/log.hpp"
#include "postoffice/pipeline.hpp"
#include "support/publisher_id.hpp"

namespace postofficed {

/// Callbacks go to the broker directly, or to the disk first (file+amqp).
///
/// The database learns of the publisher as soon as it answers; callbacks do not wait for that.
/// Threads: its timers run on the loop of `clock`; all methods from any thread but open(), start()
/// and the destructor. The loop must have stopped before it is destroyed.
class Publishing {
 public:
  Publishing(const Options& options, postoffice::EventLoop& loop, postoffice::Clock& clock,
             postoffice::Log log);
  ~Publishing();

  /// Takes the data directory, opens the journal if there is one, begins to connect.
  Failure open(std::vector<int> sockets, std::size_t connections_max);

  /// Begins to accept callbacks.
  Failure start();

  /// Accepts no more, publishes what it has, says goodbye.
  void stop(std::function<void()> done);

  /// Another conninfo for the same database.
  void use_store(const std::string& conninfo) { instances_.use_credentials(conninfo); }

  /// A callback can be made durable now.
  std::string not_ready() const;

  BrokerStatus::Publisher status() const;
  postoffice::PipelineStatus pipeline_status() const;
  const postoffice::HttpIngress& ingress() const { return *ingress_; }
  const postoffice::FileQueue* journal() const { return journal_.get(); }

 private:
  /// Why it takes no callbacks now; empty: it does.
  std::string broker_trouble() const;
  void forward_from_journal();
  void append(std::span<const postoffice::ObjectId> ids, postoffice::Queue::AppendDone done);
  void look_at_place();
  void give_way(const std::string& other);
  void register_now();
  /// Another process publishes under our number: who, and what that means; empty: nobody.
  std::string copied() const;
  void stop_publishing(std::function<void()> done);

  const Options& options_;
  postoffice::Clock& clock_;
  const postoffice::Log log_;

  PublisherId id_;
  std::unique_ptr<postoffice::FileQueue> journal_;
  std::unique_ptr<postoffice::RabbitPublisher> publisher_;
  std::unique_ptr<postoffice::Forwarder> forwarder_;
  std::optional<postoffice::HttpIngress> ingress_;
  postoffice::PostgresInstances instances_;
  std::optional<PublisherPlace> place_;
  int looks_ = 0;
  mutable std::mutex mutex_;
  std::string other_;  // who has our place
  std::atomic<bool> copied_{false};
  std::atomic<bool> registered_{false};
  std::atomic<bool> stopping_{false};
};

/// For people and the database: "host:pid".
std::string process_name();

/// What all parts that talk to the broker agree on.
postoffice::RabbitOptions rabbit_options(const Options& options);

}  // namespace postofficed
