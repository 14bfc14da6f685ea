// How late rows go, and what expiry takes of the store's time:
//   expiry_bench CONNINFO [ROWS [SECONDS]]
// A pipeline on PostgreSQL with a queue in memory and a source that answers at once. ROWS ids are
// received again and again for SECONDS, each within the ttl; then each once, as fast as so many
// rows come and go within one ttl.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/memory_queue.hpp"

namespace {

using namespace postoffice;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto ttl = 30s;
constexpr ObjectId ids_in_a_callback = 100;

class Source final : public ObjectSource {
 public:
  void fetch(ObjectId id, std::chrono::milliseconds, Done done) override {
    done({{}, id, id % 2 == 0, {}, {}});
  }
};

/// Notes, of each row that is deleted, how long after its time that was done, and how long deleting
/// takes.
class Watch final : public ObjectStore {
 public:
  Watch(ObjectStore& store, Clock& clock) : store_(store), clock_(clock) {}

  void received(ObjectId id, Timestamp at) {
    const std::lock_guard lock(mutex_);
    const auto index = static_cast<std::size_t>(id);
    if (received_.size() <= index) received_.resize(2 * index + ids_in_a_callback);
    received_[index] = at;
  }

  void begin() {
    const std::lock_guard lock(mutex_);
    lateness_.clear();
    busy_ = {};
    begun_ = Steady::now();
  }

  void report(const char* what) {
    const std::lock_guard lock(mutex_);
    const auto wall = Steady::now() - begun_;
    std::printf("%s: expiry takes %.2f %% of the time", what,
                100 * std::chrono::duration<double>(busy_).count() /
                    std::chrono::duration<double>(wall).count());
    if (lateness_.empty()) {
      std::printf(", nothing expired\n");
      return;
    }
    std::sort(lateness_.begin(), lateness_.end());
    const auto at = [&](double part) {
      const auto index = static_cast<double>(lateness_.size() - 1) * part;
      return std::chrono::duration<double>(lateness_[static_cast<std::size_t>(index)]).count();
    };
    std::printf(", %zu rows expired, late by median %.3f s, p99 %.3f s, at most %.3f s\n",
                lateness_.size(), at(0.5), at(0.99), at(1));
  }

  void apply(Changes changes, ApplyDone done) override {
    store_.apply(std::move(changes), std::move(done));
  }
  void expire(Expiry expiry, ExpireDone done) override {
    auto ids = std::make_shared<std::vector<ObjectId>>(expiry.ids);
    store_.expire(std::move(expiry), [this, ids, done = std::move(done), begun = Steady::now()](
                                         std::error_code error, Expired expired) {
      if (!error) note(*ids, Steady::now() - begun);
      done(error, expired);
    });
  }

 private:
  void note(const std::vector<ObjectId>& ids, Steady::duration took) {
    const std::lock_guard lock(mutex_);
    busy_ += took;
    const auto now = clock_.now();
    for (const ObjectId id : ids) {
      lateness_.push_back(now - received_[static_cast<std::size_t>(id)] - ttl);
    }
  }

  ObjectStore& store_;
  Clock& clock_;
  std::mutex mutex_;
  std::vector<Timestamp> received_;
  std::vector<Duration> lateness_;
  Steady::duration busy_{};
  Steady::time_point begun_{};
};

/// Sends the ids from `first` on, `rate` a second for `time`; begins anew after `round` of them.
ObjectId send(testing::DirectIngress& ingress, Watch& watch, ObjectId first, double rate,
              Steady::duration time, ObjectId round) {
  const auto begun = Steady::now();
  ObjectId sent = 0;
  while (Steady::now() - begun < time) {
    std::vector<ObjectId> ids;
    for (ObjectId i = 0; i < ids_in_a_callback; ++i) ids.push_back(first + (sent + i) % round);
    ingress.send(ids, [&](std::error_code error, const Receipt& receipt) {
      if (error) std::exit(1);
      for (const ObjectId id : ids) watch.received(id, receipt.received_at);
    });
    sent += ids_in_a_callback;
    const auto due = std::chrono::duration<double>(static_cast<double>(sent) / rate);
    std::this_thread::sleep_until(begun + std::chrono::duration_cast<Steady::duration>(due));
  }
  return first + sent;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: expiry_bench CONNINFO [ROWS [SECONDS]]\n");
    return 2;
  }
  const ObjectId rows = count > 2 ? std::atoll(arguments[2]) : 1'000'000;
  const auto time = std::chrono::seconds(count > 3 ? std::atoi(arguments[3]) : 20);
  EventLoop loop;
  SystemClock clock(loop);
  testing::DirectIngress ingress;
  testing::MemoryQueue queue(clock);
  Source source;
  PostgresObjectStore postgres(loop, {.conninfo = arguments[1]});
  Watch store(postgres, clock);
  PipelineOptions options;
  options.ttl = ttl;
  Pipeline pipeline({clock, ingress, queue, source, store}, options);
  loop.start();
  if (pipeline.start()) return 1;

  const auto rate = static_cast<double>(rows) / 25;
  send(ingress, store, 0, rate, 25s, rows);
  store.begin();
  send(ingress, store, 0, rate, time, rows);
  std::printf("%llu known\n", static_cast<unsigned long long>(pipeline.status().known_ids));
  store.report("all received again");
  const auto coming = static_cast<double>(rows) / 30;
  const auto next = send(ingress, store, rows, coming, 35s, rows * 1'000);
  store.begin();
  send(ingress, store, next, coming, time, rows * 1'000);
  std::printf("%llu known\n", static_cast<unsigned long long>(pipeline.status().known_ids));
  store.report("each received once");
  std::fflush(stdout);
  std::_Exit(0);  // what is still under way need not be waited for
}
