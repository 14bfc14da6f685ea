// Keeps a number of fetches in flight against a source whose mean latency is known, and compares
// the rate with the most that is possible: concurrency / mean latency.
//
//   fetch_bench URL IN_FLIGHT MEAN_LATENCY_SECONDS SECONDS
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Sample {
  Clock::time_point at;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  double cpu_seconds = 0;
};

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// Asks for the next object as soon as one is answered.
class Load {
 public:
  Load(postoffice::EventLoop& loop, postoffice::HttpObjectSourceOptions options)
      : source_(loop, std::move(options)) {}

  void fetch() {
    const auto id = static_cast<postoffice::ObjectId>(next_++ % 1'000'000);
    source_.fetch(id, std::chrono::seconds(30), [this](postoffice::FetchResult result) {
      if (result.error == postoffice::Error::stopped) return;
      ++(result.error ? failed_ : answered_);
      fetch();
    });
  }

  Sample sample() const { return {Clock::now(), answered_, failed_, cpu_seconds()}; }

 private:
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::uint64_t> failed_{0};
  postoffice::HttpObjectSource source_;  // ends first: its completions use the others
};

void report(const Sample& begin, const Sample& end, double concurrency, double latency,
            double bytes) {
  const double seconds = std::chrono::duration<double>(end.at - begin.at).count();
  const auto answered = static_cast<double>(end.answered - begin.answered);
  const double rate = answered / seconds;
  const double most = concurrency / latency;
  std::printf("%.0f in flight, mean latency %.3f s: %.1f fetches/s of %.1f possible, ratio %.3f\n",
              concurrency, latency, rate, most, rate / most);
  std::printf("failed %llu, CPU %.1f us a fetch, %.0f bytes resident a fetch in flight\n",
              static_cast<unsigned long long>(end.failed),
              (end.cpu_seconds - begin.cpu_seconds) * 1e6 / answered, bytes / concurrency);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: fetch_bench URL IN_FLIGHT MEAN_LATENCY_SECONDS SECONDS\n");
    return 64;
  }
  const int concurrency = std::atoi(argv[2]);
  const double latency = std::atof(argv[3]);
  postoffice::HttpObjectSourceOptions options;
  options.url = argv[1];
  options.connections_max = static_cast<std::size_t>(concurrency);

  postoffice::EventLoop loop;
  loop.start();
  Load load(loop, options);
  const double bytes_before = resident_bytes();
  for (int i = 0; i < concurrency; ++i) load.fetch();
  // The first answers come in step with their starts; after some latencies they are spread out.
  std::this_thread::sleep_for(std::chrono::duration<double>(4 * latency + 1));
  const Sample begin = load.sample();
  std::this_thread::sleep_for(std::chrono::seconds(std::atoi(argv[4])));
  report(begin, load.sample(), concurrency, latency, resident_bytes() - bytes_before);
}
