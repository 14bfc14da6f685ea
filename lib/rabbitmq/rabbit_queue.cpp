#include <algorithm>
#include <memory>
#include <stdexcept>

#include "base/random.hpp"
#include "base/thread_annotations.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/error.hpp"
#include "rabbitmq/consumer.hpp"
#include "rabbitmq/options.hpp"
#include "rabbitmq/publisher.hpp"

namespace postoffice {

using rabbitmq::Consumer;
using rabbitmq::Publisher;

namespace {

std::vector<ObjectId> sorted(std::span<const ObjectId> ids) {
  std::vector<ObjectId> result(ids.begin(), ids.end());
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace

/// When it is short of memory the broker stops reading from connections that publish. So requeueing
/// has a connection of its own, made when it is first needed: acknowledgements are never held up.
class RabbitQueue::Impl {
 public:
  Impl(const RabbitOptions& options, int shard, Clock& clock, Log log)
      : options_(options),
        shard_(shard),
        clock_(clock),
        log_(std::move(log)),
        session_(random_uint64()),
        consumer_(options, shard, session_, clock, log_) {
    if (options.publishes) publisher();
  }

  /// The publisher first: its completions use the consumer. Until both have gone they may use this.
  ~Impl() {
    std::unique_ptr<Publisher> ending;
    const LockGuard lock(mutex_);
    stopped_ = true;
    ending.swap(publisher_);
  }

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp, AppendDone& done) {
    std::vector<ObjectId> copy;
    if (stamp) copy = sorted(ids);
    AppendDone wrapped = [&consumer = consumer_, copy = std::move(copy),
                          carried = stamp.has_value(),
                          done = std::move(done)](std::error_code error, const Receipt& receipt) {
      done(error, receipt);
      if (error || !carried) return consumer.released(receipt.sequence);
      consumer.released_requeued(receipt.sequence, receipt.received_at, copy);
    };
    const auto refused = consumer_.append_held([&](Sequence& sequence) -> std::error_code {
      Publisher* const to = publisher();
      return to ? to->append(ids, stamp, wrapped, &sequence) : Error::stopped;
    });
    if (refused) wrapped(refused, {});
  }

  QueueProgress progress() const {
    auto result = consumer_.progress();
    result.queue = options_.publisher;
    return result;
  }

  QueueStatistics statistics() {
    auto result = consumer_.statistics();
    const LockGuard lock(mutex_);
    if (publisher_) result.writable = publisher_->writable();
    return result;
  }

  Consumer& consumer() { return consumer_; }

 private:
  /// None once this has stopped.
  Publisher* publisher() EXCLUDES(mutex_) {
    const LockGuard lock(mutex_);
    if (!publisher_ && !stopped_) {
      const auto ticks = options_.publishes ? Publisher::Ticks::yes : Publisher::Ticks::no;
      publisher_ = std::make_unique<Publisher>(options_, std::vector<int>{shard_}, session_, ticks,
                                               clock_, log_);
    }
    return publisher_.get();
  }

  const RabbitOptions options_;
  const int shard_;
  Clock& clock_;
  const Log log_;
  const std::uint64_t session_;
  Mutex mutex_;  // append() takes it inside the consumer's
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Publisher> publisher_ GUARDED_BY(mutex_);
  Consumer consumer_;
};

RabbitQueue::RabbitQueue(RabbitOptions options, int shard, Clock& clock, Log log) {
  options = rabbitmq::checked(std::move(options));
  if (shard < 0 || shard >= options.shards) throw std::invalid_argument("there is no such shard");
  impl_ = std::make_unique<Impl>(options, shard, clock, log_in_background(std::move(log)));
}

RabbitQueue::~RabbitQueue() = default;

void RabbitQueue::append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                         AppendDone done) {
  impl_->append(ids, carried_from, done);
}

void RabbitQueue::read(std::size_t ids_max, ReadDone done) {
  impl_->consumer().read(ids_max, std::move(done));
}

void RabbitQueue::acknowledge(Sequence up_to) { impl_->consumer().acknowledge(up_to); }

QueueProgress RabbitQueue::progress() const { return impl_->progress(); }

QueueStatistics RabbitQueue::statistics() const { return impl_->statistics(); }

std::uint64_t RabbitQueue::session() const { return impl_->consumer().session(); }

void RabbitQueue::nobody_before(std::uint64_t session) { impl_->consumer().nobody_before(session); }

std::vector<std::uint64_t> RabbitQueue::heard_before(Timestamp as_of) const {
  return impl_->consumer().heard_before(as_of);
}

std::vector<std::uint64_t> RabbitQueue::departed(Timestamp applied) const {
  return impl_->consumer().departed(applied);
}

void RabbitQueue::forget(std::uint64_t publisher) { impl_->consumer().forget(publisher); }

RabbitQueueStatus RabbitQueue::details() const { return impl_->consumer().details(); }

}  // namespace postoffice
