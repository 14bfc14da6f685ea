// Resident memory of a process with a whole pipeline in it: memory_bench [KNOWN] [IN_FLIGHT]
// First KNOWN ids that are stored and known, with IN_FLIGHT fetches unanswered; then as many again
// that wait for their turn. Queue, source and store are the least that works: what they hold in a
// real process is not counted.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <utility>
#include <vector>

#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"

namespace {

using namespace postoffice;
using namespace std::chrono_literals;

/// Answers at once, or never.
class Source final : public ObjectSource {
 public:
  bool holding = false;
  void fetch(ObjectId id, std::chrono::milliseconds, Done done) override {
    if (holding) {
      held_.push_back(std::move(done));
    } else {
      done({{}, id, true, {}, {}});
    }
  }

 private:
  std::deque<Done> held_;
};

/// Says yes to everything.
class Store final : public ObjectStore {
 public:
  void apply(Changes, ApplyDone done) override { done({}, {}); }
  void expire(Expiry, ExpireDone done) override { done({}, {}); }
};

double resident_mib() {
  long pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

struct World {
  explicit World(std::size_t in_flight)
      : pipeline({clock, ingress, queue, source, store}, options(in_flight)) {
    pipeline.start();
    clock.run_ready();
  }
  static PipelineOptions options(std::size_t in_flight) {
    PipelineOptions options;
    options.fetch_concurrency = options.fetch_limit_first = in_flight;
    options.pending_ids_max = 4'000'000;
    return options;
  }

  void send(ObjectId begin, ObjectId end) {
    for (ObjectId id = begin; id < end;) {
      std::vector<ObjectId> ids;
      while (ids.size() < 100 && id < end) ids.push_back(id++);
      ingress.send(ids);
      clock.run_ready();
      if (id % 10'000 == 0) clock.advance(10ms);
    }
    for (int i = 0; i < 20; ++i) clock.advance(50ms);
  }
  void report(const char* what) const {
    const auto status = pipeline.status();
    std::printf("%-34s %9llu known, %7llu in flight, %9llu pending: %6.1f MiB resident\n", what,
                static_cast<unsigned long long>(status.known_ids),
                static_cast<unsigned long long>(status.fetches_in_flight),
                static_cast<unsigned long long>(status.pending), resident_mib());
  }

  testing::ManualClock clock;
  testing::DirectIngress ingress;
  testing::MemoryQueue queue{clock};
  Source source;
  Store store;
  Pipeline pipeline;
};

}  // namespace

int main(int count, char** arguments) {
  const ObjectId known = count > 1 ? std::atoll(arguments[1]) : 1'000'000;
  const ObjectId in_flight = count > 2 ? std::atoll(arguments[2]) : 10'000;
  World world(static_cast<std::size_t>(in_flight));
  world.report("nothing yet");
  world.send(0, known);
  world.report("all stored");
  world.source.holding = true;
  world.send(known, known + in_flight);
  world.report("fetches that hang beside them");
  world.send(0, known);
  world.report("all received again behind those");
  return 0;
}
