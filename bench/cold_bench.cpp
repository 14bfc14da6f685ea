// A callback of 200 ids met by a pool without connections, and by one that has them: how much
// longer than its slowest answer does all of it take? The source must take equally long for each
// answer:
//
//   cold_bench URL LATENCY_SECONDS
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <vector>

#include "postoffice/defaults/http_object_source.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int ids = 200;
constexpr int rounds = 15;

/// Seconds until the last of the ids is answered.
double fetch_all(postoffice::HttpObjectSource& source) {
  std::promise<void> all;
  std::atomic<int> left{ids};
  std::atomic<int> failed{0};
  const auto begin = Clock::now();
  for (int id = 0; id < ids; ++id) {
    source.fetch(id, std::chrono::seconds(30), [&](const postoffice::FetchResult& result) {
      if (result.error) ++failed;
      if (--left == 0) all.set_value();
    });
  }
  all.get_future().wait();
  if (failed != 0) std::printf("%d failed\n", failed.load());
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void report(const char* pool, std::vector<double> seconds, double latency) {
  std::sort(seconds.begin(), seconds.end());
  std::printf("%s pool: %d ids in %.1f ms, at most %.1f ms; ratio %.3f\n", pool, ids,
              seconds[rounds / 2] * 1e3, seconds.back() * 1e3, seconds[rounds / 2] / latency);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: cold_bench URL LATENCY_SECONDS\n");
    return 64;
  }
  postoffice::HttpObjectSourceOptions options;
  options.url = argv[1];
  std::vector<double> cold;
  std::vector<double> warm;
  postoffice::EventLoop loop;
  loop.start();
  for (int round = 0; round < rounds; ++round) {
    postoffice::HttpObjectSource source(loop, options);
    cold.push_back(fetch_all(source));
    warm.push_back(fetch_all(source));
  }
  report("cold", cold, std::atof(argv[2]));
  report("warm", warm, std::atof(argv[2]));
}
