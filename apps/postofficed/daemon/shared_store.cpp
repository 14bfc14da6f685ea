#include "daemon/shared_store.hpp"

#include <unistd.h>

#include <algorithm>
#include <future>
#include <utility>

namespace postofficed {
namespace {

using postoffice::Expired;
using postoffice::Timestamp;

constexpr std::chrono::milliseconds register_limit{500};
constexpr std::chrono::seconds leave_limit{1};

}  // namespace

std::string instance_name(const std::string& listen) {
  char host[256] = "localhost";
  gethostname(host, sizeof host - 1);
  return host + listen.substr(std::min(listen.rfind(':'), listen.size())) + "#" +
         std::to_string(getpid());
}

postoffice::PostgresInstance make_instance(const Options& options,
                                           const postoffice::QueueProgress& queue,
                                           postoffice::Clock& clock,
                                           std::shared_ptr<const std::atomic<bool>> stamped) {
  postoffice::PostgresInstance instance;
  instance.publisher = queue.queue;
  instance.name = instance_name(options.listen);
  instance.now = [&clock] { return clock.now(); };
  instance.registered =
      [&clock, stamped = std::move(stamped)](const postoffice::PostgresRegistration& found) {
        // Below the cutoff no row would be made. Beyond that, to move the clock would age what it
        // has stamped: then the others rather wait.
        const bool untouched = found.fresh && !stamped->load();
        clock.not_before(untouched ? std::max(found.cutoff, found.others) : found.cutoff);
      };
  return instance;
}

void register_instance(postoffice::PostgresObjectStore& store,
                       const postoffice::QueueProgress& queue, std::chrono::milliseconds ttl) {
  postoffice::Expiry first;
  first.cutoff = std::min(queue.frontier - ttl, queue.clock_floor);
  first.watermark = first.cutoff + ttl;
  const auto registered = std::make_shared<std::promise<void>>();
  store.expire(first, [registered](std::error_code, Expired) { registered->set_value(); });
  registered->get_future().wait_for(register_limit);
}

void leave_instances(postoffice::PostgresObjectStore& store, postoffice::Clock& clock,
                     std::function<void()> done) {
  const auto once = std::make_shared<std::function<void()>>(std::move(done));
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  const auto finish = [once, gone] {
    if (!gone->exchange(true)) (*once)();
  };
  clock.call_at(clock.now() + leave_limit, finish);
  store.leave(clock.now(), [finish](std::error_code) { finish(); });
}

}  // namespace postofficed
