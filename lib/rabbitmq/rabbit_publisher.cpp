#include <numeric>
#include <stdexcept>

#include "base/random.hpp"
#include "postoffice/defaults/rabbit_queue.hpp"
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
  const auto tls = rabbitmq::parse_amqp_url(rabbitmq::checked(*this).url).tls;
  std::string reason;
  if (tls && !rabbitmq::files_are_usable(*tls, reason)) throw std::invalid_argument(reason);
}

class RabbitPublisher::Impl {
 public:
  Impl(const RabbitOptions& options, Clock& clock, Log log)
      : publisher(options, all_shards(options), random_uint64(), Publisher::Ticks::yes, clock,
                  std::move(log)) {}
  Publisher publisher;
};

RabbitPublisher::RabbitPublisher(RabbitOptions options, Clock& clock, Log log)
    : impl_(std::make_unique<Impl>(rabbitmq::checked(std::move(options)), clock,
                                   log_in_background(std::move(log)))) {}

RabbitPublisher::~RabbitPublisher() = default;

void RabbitPublisher::append(std::span<const ObjectId> ids, Queue::AppendDone done) {
  if (const auto refused = impl_->publisher.append(ids, {}, done)) done(refused, {});
}

void RabbitPublisher::forward(std::span<const ObjectId> ids, Timestamp received_at,
                              ForwardDone done) {
  Queue::AppendDone wrapped = [done = std::move(done)](std::error_code error, const Receipt&) {
    done(error);
  };
  if (const auto refused = impl_->publisher.append(ids, received_at, wrapped)) {
    wrapped(refused, {});
  }
}

void RabbitPublisher::set_frontier(std::function<Timestamp()> frontier) {
  impl_->publisher.set_frontier(std::move(frontier));
}

void RabbitPublisher::hush(bool hushed) { impl_->publisher.hush(hushed); }

void RabbitPublisher::stop(std::function<void()> done) {
  impl_->publisher.say_goodbye(std::move(done));
}

RabbitPublisherStatus RabbitPublisher::status() const { return impl_->publisher.status(); }

}  // namespace postoffice
