// A pipeline whose source takes only so many fetches at a time, and changes its mind: how close
// does the rate come to what the source could do? bench/suite/stage_fetch.py starts both.
//
//   follow_bench URL CAPACITY CHANGE_SECONDS MEAN_LATENCY_SECONDS CHANGES SOURCE_STARTED
// The source halves its capacity, and doubles it again, every CHANGE_SECONDS after SOURCE_STARTED
// (seconds since the epoch).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t ceiling = 10'000;
constexpr std::size_t ids_ready = 2'000;  // that wait for a slot, so that there is always work

postoffice::PipelineOptions pipeline_options() {
  postoffice::PipelineOptions options;
  options.fetch_concurrency = ceiling;
  options.ttl = 1h;
  return options;
}

postoffice::HttpObjectSourceOptions source_options(const char* url) {
  postoffice::HttpObjectSourceOptions options;
  options.url = url;
  options.connections_max = ceiling;
  return options;
}

double since_epoch() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The pipeline, and a sender that keeps it busy.
class Load {
 public:
  explicit Load(const char* url)
      : clock_(loop_),
        queue_(clock_),
        source_(loop_, source_options(url)),
        pipeline_({clock_, ingress_, queue_, source_, store_}, pipeline_options()) {
    loop_.start();
    pipeline_.start();
  }

  void top_up() {
    const auto status = pipeline_.status();
    const auto ready = status.pending - status.fetches_in_flight - status.retries_waiting;
    if (status.pending != 0 && ready >= ids_ready) return;
    std::vector<postoffice::ObjectId> ids(200);
    for (int callback = 0; callback < 10; ++callback) {
      std::iota(ids.begin(), ids.end(), next_);
      next_ += static_cast<postoffice::ObjectId>(ids.size());
      ingress_.send(ids);
    }
  }

  postoffice::PipelineStatus status() const { return pipeline_.status(); }

  static double answers(const postoffice::PipelineStatus& status) {
    return static_cast<double>(status.fetches - status.fetch_failures - status.fetches_in_flight);
  }

 private:
  postoffice::EventLoop loop_;
  postoffice::SystemClock clock_;
  postoffice::testing::DirectIngress ingress_;
  postoffice::testing::MemoryQueue queue_;
  postoffice::testing::MemoryStore store_;
  postoffice::HttpObjectSource source_;
  postoffice::Pipeline pipeline_;
  postoffice::ObjectId next_ = 1;
};

/// From five mean latencies after a change until the next one.
void measure(Load& load, double capacity, double begin, double end, double latency) {
  const auto until = [&](double time) {
    while (since_epoch() < time) {
      load.top_up();
      std::this_thread::sleep_for(2ms);
    }
  };
  until(begin + 5 * latency);
  const auto first = load.status();
  const double from = since_epoch();
  until(end);
  const auto last = load.status();
  const double rate = (Load::answers(last) - Load::answers(first)) / (since_epoch() - from);
  const double refused = static_cast<double>(last.fetch_failures - first.fetch_failures) /
                         (Load::answers(last) - Load::answers(first));
  std::printf("capacity %.0f: limit %llu, %.1f fetches/s, ratio %.3f, %.3f refused an answer\n",
              capacity, static_cast<unsigned long long>(last.fetch_limit), rate,
              rate / (capacity / latency), refused);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr,
                 "usage: follow_bench URL CAPACITY CHANGE_SECONDS MEAN_LATENCY_SECONDS CHANGES "
                 "SOURCE_STARTED\n");
    return 64;
  }
  const double capacity = std::atof(argv[2]);
  const double change = std::atof(argv[3]);
  const double latency = std::atof(argv[4]);
  const double started = std::atof(argv[6]);
  Load load(argv[1]);
  for (int i = 0; i <= std::atoi(argv[5]); ++i) {
    const double now_taken = i % 2 == 0 ? capacity : capacity / 2;
    measure(load, now_taken, started + i * change, started + (i + 1) * change, latency);
  }
}
