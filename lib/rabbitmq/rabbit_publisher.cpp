#include <atomic>
#include <numeric>
#include <stdexcept>

#include "base/gate.hpp"
#include "base/random.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
#include "postoffice/error.hpp"
#include "rabbitmq/options.hpp"
#include "rabbitmq/publisher.hpp"
#include "rabbitmq/tls_tunnel.hpp"

namespace postoffice {

using rabbitmq::Publisher;

namespace {

std::vector<int> all_shards(const RabbitOptions& options) {
  std::vector<int> shards(static_cast<std::size_t>(options.shards));
  std::iota(shards.begin(), shards.end(), 0);
  return shards;
}

}  // namespace

void RabbitOptions::check() const { rabbitmq::checked(*this); }

void RabbitOptions::check_with_files() const {
  check();
  const auto address = rabbitmq::parse_amqp_url(url);
  if (!address->tls) return;
  if (const auto failure = rabbitmq::check_files(*address->tls)) {
    throw std::invalid_argument(failure.text());
  }
}

class RabbitPublisher::Impl {
 public:
  Impl(const RabbitOptions& options, Clock& clock, Log log)
      : publisher(options, all_shards(options), random_uint64(), Publisher::Ticks::yes, clock,
                  std::move(log)) {
    [[maybe_unused]] const bool inside = gate.enter();
  }
  ~Impl() {
    if (!ending.exchange(true)) gate.leave();
  }

  /// `done` is any that can be called as Queue::AppendDone: so it is wrapped once, not twice.
  template <typename Done>
  void append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp, Done done) {
    if (!gate.enter()) return done(Error::stopped, {});
    Queue::AppendDone leaving = [&to = gate, done = std::move(done)](std::error_code error,
                                                                     const Receipt& receipt) {
      done(error, receipt);
      to.leave();
    };
    if (const auto refused = publisher.append(ids, stamp, leaving)) leaving(refused, {});
  }

  void stop(std::function<void()> done) {
    gate.close(std::move(done));
    if (!ending.exchange(true)) publisher.say_goodbye([&to = gate] { to.leave(); });
  }

  Gate gate;  // inside is what has not been completed, and the goodbye
  std::atomic<bool> ending{false};
  Publisher publisher;
};

RabbitPublisher::RabbitPublisher(RabbitOptions options, Clock& clock, Log log)
    : impl_(std::make_unique<Impl>(rabbitmq::checked(std::move(options)), clock,
                                   log_in_background(std::move(log)))) {}

RabbitPublisher::~RabbitPublisher() = default;

void RabbitPublisher::append(std::span<const ObjectId> ids, Queue::AppendDone done) {
  impl_->append(ids, {}, std::move(done));
}

void RabbitPublisher::forward(std::span<const ObjectId> ids, Timestamp received_at,
                              ForwardDone done) {
  impl_->append(ids, received_at,
                [done = std::move(done)](std::error_code error, const Receipt&) { done(error); });
}

void RabbitPublisher::set_frontier(std::function<Timestamp()> frontier) {
  impl_->publisher.set_frontier(std::move(frontier));
}

void RabbitPublisher::hush(bool hushed) { impl_->publisher.hush(hushed); }

void RabbitPublisher::stop(std::function<void()> done) { impl_->stop(std::move(done)); }

RabbitPublisherStatus RabbitPublisher::status() const { return impl_->publisher.status(); }

}  // namespace postoffice
