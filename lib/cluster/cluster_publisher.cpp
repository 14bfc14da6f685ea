#include "postoffice/defaults/cluster_publisher.hpp"

#include <atomic>
#include <cassert>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cluster/process_name.hpp"
#include "cluster/publisher_place.hpp"
#include "cluster/status_sum.hpp"
#include "cluster/steps.hpp"
#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/error.hpp"

namespace postoffice {

using namespace cluster;

namespace {

using namespace std::chrono_literals;

// Repeated, since this publisher may have been retired by mistake while it runs.
constexpr auto look_again = 1s;
constexpr int looks_until_registering = 10;

constexpr auto move_every = 250ms;

RabbitOptions with_number(RabbitOptions options, std::uint64_t publisher) {
  options.publisher = publisher;
  return options;
}

std::string id_text(std::uint64_t publisher) {
  PostgresInstanceRow row;
  row.publisher = publisher;
  return row.id();
}

}  // namespace

// Callbacks are passed on by the threads that bring them; everything else happens in steps, on the
// loop's thread.
class ClusterPublisher::Impl {
 public:
  Impl(Parts parts, ClusterPublisherOptions options, Log log)
      : parts_(parts),
        id_(id_text(parts.id.value())),
        name_(options.name.empty() ? process_name() : std::move(options.name)),
        shards_(options.broker.shards),
        log_(log ? std::move(log) : [](LogLevel, std::string_view) {}),
        instances_(parts.loop, std::move(options.database), log_),
        place_(parts.id.value(), name_, shards_),
        publisher_(std::make_unique<RabbitPublisher>(
            with_number(std::move(options.broker), parts.id.value()), parts.clock, log_)),
        steps_(parts.clock) {
    assert(parts.id.value() != 0 && "open the id first");
    if (parts_.journal) forward_from_journal();
  }

  // No more is forwarded. The publisher asks the forwarder for its frontier, so the publisher is
  // destroyed first; it fails everything unconfirmed.
  ~Impl() {
    steps_.close();
    publisher_.reset();
  }

  std::error_code start() {
    if (stopping_) return Error::stopped;
    if (forwarder_) forwarder_->start();
    steps_.soon([this] {
      tick();
      register_now();
    });
    const auto error = parts_.ingress.start(
        steps_.guarded_or([this](std::span<const ObjectId> ids,
                                 Queue::AppendDone done) { append(ids, std::move(done)); },
                          [](std::span<const ObjectId>, const Queue::AppendDone& done) {
                            done(Error::stopped, {});
                          }));
    started_ = !error;
    return error;
  }

  void take(std::span<const ObjectId> ids, Queue::AppendDone done) {
    ++*taking_;  // before the question, so that a stop sees it or is seen
    const auto finish = [taking = taking_, done = std::move(done)](std::error_code error,
                                                                   const Receipt& receipt) {
      --*taking;
      done(error, receipt);
    };
    if (!started_ || stopping_) return finish(Error::stopped, {});
    append(ids, finish);
  }

  void stop(std::function<void()> done) {
    const bool again = stopping_.exchange(true);
    steps_.soon([this, again, done = std::move(done)] {
      stop_done_.push_back(done);
      if (stopped_) return finish_stop();
      if (again) return;
      if (!started_) return stop_forwarding();
      parts_.ingress.stop(steps_.guarded([this] { steps_.soon([this] { stop_forwarding(); }); }));
    });
  }

  bool use_credentials(const std::string& conninfo) { return instances_.use_credentials(conninfo); }

  std::string why_not() const {
    if (auto words = copied(); !words.empty() || parts_.journal) return words;
    const auto status = publisher_->status();
    if (status.refusing) return "the broker refuses messages: a queue has reached its limit (nack)";
    if (!status.connected) return "the broker cannot be used: " + status.trouble;
    return status.blocked ? "the broker accepts nothing now: it is out of memory or disk" : "";
  }

  ClusterPublisherStatus status() const {
    ClusterPublisherStatus result{id_, registered_, copied(), publisher_->status(), {}};
    if (forwarder_) result.forwarder = forwarder_->status();
    return result;
  }

  PipelineStatus pipeline_status() const {
    auto status = nothing_done(moved_at_);
    if (parts_.journal) {
      status.queue = parts_.journal->progress();
      status.queue_statistics = parts_.journal->statistics();
      status.accepted_callbacks = status.queue.accepted_callbacks;
      status.accepted_ids = status.queue.accepted_ids;
    } else {
      const auto published = publisher_->status();
      status.accepted_callbacks = published.accepted_callbacks;
      status.accepted_ids = published.accepted_ids;
      status.queue_statistics.writable = started_ && !stopping_ && why_not().empty();
    }
    return status;
  }

 private:
  void forward_from_journal() {
    const auto forward = steps_.guarded_or(
        [this](std::span<const ObjectId> ids, Timestamp received_at, Forwarder::Done done) {
          publisher_->forward(ids, received_at, std::move(done));
        },
        [](std::span<const ObjectId>, Timestamp, const Forwarder::Done& done) {
          done(Error::stopped);
        });
    forwarder_.emplace(*parts_.journal, parts_.clock, forward, ForwarderOptions{}, log_);
    publisher_->set_frontier([this] { return forwarder_->frontier(); });
  }

  void append(std::span<const ObjectId> ids, Queue::AppendDone done) {
    if (!parts_.journal) return publisher_->append(ids, std::move(done));
    if (copied_) return done(Error::fenced, {});
    parts_.journal->append(ids, std::nullopt, std::move(done));
  }

  void tick() {
    moved_at_ = parts_.clock.now();
    steps_.at(moved_at_.load() + move_every, [this] { tick(); });
  }

  // One query at a time, so that each result is newer than the last registration.
  void look_at_place() {
    if (stopping_) return;
    instances_.list(steps_.guarded([this](std::error_code error, const PostgresInstanceList& list) {
      const bool free = !error && place_.look(list);
      if (!error) give_way(place_.other());
      const bool due = error || free || ++looks_ >= looks_until_registering;
      if (due && place_.other().empty()) return register_now();
      look_later();
    }));
  }

  void look_later() {
    steps_.at(parts_.clock.now() + look_again, [this] { look_at_place(); });
  }

  void give_way(const std::string& other) {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(other_, other) == other) return;
    }
    copied_ = !other.empty();
    publisher_->hush(copied_);
    if (!copied_)
      return log_(LogLevel::info, "publisher: no other process uses its number any longer");
    log_(LogLevel::error, "publisher: " + copied());
  }

  /// Which other process publishes under our number, and the consequence; empty: none does.
  std::string copied() const {
    const std::lock_guard lock(mutex_);
    if (other_.empty()) return {};
    return other_ + " publishes as " + id_ +
           ", too: its data directory is a copy of this one. Nothing is accepted here until it "
           "is stopped or retired. To use both, stop this one, delete " +
           parts_.id.path() + ", and start it";
  }

  void register_now() {
    if (stopping_) return;
    looks_ = 0;
    const auto done = [this](std::error_code error, Timestamp floor) {
      if (!error) parts_.clock.not_before(floor);
      if (!error) place_.taken();
      if (registered_.exchange(!error) != !error) {
        log_(error ? LogLevel::warning : LogLevel::info,
             error ? "database: this publisher is not registered (" + error.message() +
                         "); callbacks are accepted"
                   : "database: registered publisher " + id_);
      }
      look_later();
    };
    instances_.register_publisher(parts_.id.value(), name_, shards_, steps_.guarded(done));
  }

  void stop_forwarding() {
    if (*taking_ > 0) {
      return steps_.at(parts_.clock.now() + 10ms, [this] { stop_forwarding(); });
    }
    if (!forwarder_) return stop_publishing();
    forwarder_->stop(steps_.guarded([this] { steps_.soon([this] { stop_publishing(); }); }));
  }

  // After a goodbye deletes do not wait for this publisher. They must, while callbacks are left on
  // the disk.
  void stop_publishing() {
    const auto done = [this] {
      stopped_ = true;
      finish_stop();
    };
    if (parts_.journal) {
      const auto journal = parts_.journal->progress();
      if (journal.acknowledged < journal.last_durable) {
        log_(LogLevel::info, "callbacks are left on the disk; the next run forwards them");
        return done();
      }
    }
    publisher_->stop(steps_.guarded([this, done] { steps_.soon(done); }));
  }

  // Calls each `done` outside of a step, since it may destroy the publisher.
  void finish_stop() {
    for (auto& done : std::exchange(stop_done_, {})) {
      parts_.clock.call_at(Timestamp::min(), std::move(done));
    }
  }

  const Parts parts_;
  const std::string id_;
  const std::string name_;
  const int shards_;
  const Log log_;

  /// Callbacks that did not come through the ingress, which waits for its own.
  const std::shared_ptr<std::atomic<int>> taking_ = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> started_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> copied_{false};
  std::atomic<bool> registered_{false};
  std::atomic<Timestamp> moved_at_{parts_.clock.now()};
  mutable std::mutex mutex_;
  std::string other_;  // name of the process that has our place; guarded by mutex_

  // Of steps.
  int looks_ = 0;
  bool stopped_ = false;
  std::vector<std::function<void()>> stop_done_;

  PostgresInstances instances_;
  PublisherPlace place_;
  std::optional<Forwarder> forwarder_;
  std::unique_ptr<RabbitPublisher> publisher_;
  Steps steps_;
};

ClusterPublisher::ClusterPublisher(Parts parts, ClusterPublisherOptions options, Log log)
    : impl_(std::make_unique<Impl>(parts, std::move(options), log_in_background(std::move(log)))) {}

ClusterPublisher::~ClusterPublisher() = default;

std::error_code ClusterPublisher::start() { return impl_->start(); }
void ClusterPublisher::append(std::span<const ObjectId> ids, Queue::AppendDone done) {
  impl_->take(ids, std::move(done));
}
void ClusterPublisher::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
bool ClusterPublisher::use_credentials(const std::string& conninfo) {
  return impl_->use_credentials(conninfo);
}
std::string ClusterPublisher::why_not() const { return impl_->why_not(); }
ClusterPublisherStatus ClusterPublisher::status() const { return impl_->status(); }
PipelineStatus ClusterPublisher::pipeline_status() const { return impl_->pipeline_status(); }

}  // namespace postoffice
