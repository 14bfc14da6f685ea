#include "postoffice/defaults/postgres_lease.hpp"

#include <algorithm>
#include <future>
#include <utility>

namespace postoffice {
namespace {

constexpr std::chrono::milliseconds acquire_limit{500};
constexpr std::chrono::seconds release_limit{1};

}  // namespace

PostgresLease::PostgresLease(Clock& clock, std::uint64_t queue, std::string name)
    : clock_(clock), queue_(queue), name_(std::move(name)) {}

PostgresInstance PostgresLease::instance() const {
  PostgresInstance instance;
  instance.publisher = queue_;
  instance.name = name_;
  instance.now = [&clock = clock_] { return clock.now(); };
  instance.registered = [&clock = clock_, stamped = stamped_](const PostgresRegistration& found) {
    // With a clock below the cutoff no row would be created. Moving it further would age what it
    // has already stamped, so in that case the others wait instead.
    const bool untouched = found.fresh && !stamped->load();
    clock.not_before(untouched ? std::max(found.cutoff, found.others) : found.cutoff);
  };
  return instance;
}

void PostgresLease::acquire(PostgresObjectStore& store, const QueueProgress& queue,
                            std::chrono::milliseconds ttl) {
  Expiry first;
  first.cutoff = std::min(queue.frontier - ttl, queue.clock_floor);
  first.watermark = first.cutoff + ttl;
  const auto registered = std::make_shared<std::promise<void>>();
  store.expire(first, [registered](std::error_code, Expired) { registered->set_value(); });
  registered->get_future().wait_for(acquire_limit);
  *stamped_ = true;
}

void PostgresLease::release(PostgresObjectStore& store, std::function<void()> done) {
  const auto once = std::make_shared<std::function<void()>>(std::move(done));
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  const auto finish = [once, gone] {
    if (!gone->exchange(true)) (*once)();
  };
  clock_.call_at(clock_.now() + release_limit, finish);
  store.leave(clock_.now(), [finish](std::error_code) { finish(); });
}

}  // namespace postoffice
