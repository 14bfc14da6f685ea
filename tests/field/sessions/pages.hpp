// The pages that orchestrators and monitors look at, and how long they take.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "integration/postofficed.hpp"

namespace postoffice::testing {

/// Asks for all of them again and again, two at a time, until it goes.
class PageWatch {
 public:
  explicit PageWatch(std::uint16_t port) {
    for (auto& thread : threads_) thread = std::thread([this, port] { watch(port); });
  }
  ~PageWatch() {
    stop_ = true;
    for (auto& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  int asked() const { return asked_; }
  /// Took longer than the 100 ms that are promised. A busy machine makes a few of those.
  int slow() const { return slow_; }
  std::chrono::milliseconds slowest() const { return std::chrono::milliseconds(slowest_); }

 private:
  void watch(std::uint16_t port) {
    using Clock = std::chrono::steady_clock;
    while (!stop_) {
      for (const char* page : {"/livez", "/readyz", "/metrics", "/healthz", "/status", "/"}) {
        const auto start = Clock::now();
        http_get(port, page);
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
        ++asked_;
        if (took > 100) ++slow_;
        for (auto slowest = slowest_.load(); slowest < took;) {
          if (slowest_.compare_exchange_weak(slowest, took)) break;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the rate of looks
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<int> asked_{0};
  std::atomic<int> slow_{0};
  std::atomic<std::int64_t> slowest_{0};
  std::thread threads_[2];
};

/// The store's part in /healthz and /metrics agree on that.
inline bool store_is_down(const Daemon& daemon) {
  return daemon.page("/healthz").body.find("\"store\":\"down\"") != std::string::npos &&
         daemon.page("/metrics").body.find("\npostoffice_store_up 0\n") != std::string::npos;
}

inline bool store_is_up(const Daemon& daemon) {
  return daemon.page("/healthz").body.find("\"store\":\"up\"") != std::string::npos &&
         daemon.page("/metrics").body.find("\npostoffice_store_up 1\n") != std::string::npos;
}

inline int count_in(const std::string& text, const std::string& what) {
  int count = 0;
  for (auto place = text.find(what); place != std::string::npos; place = text.find(what, place + 1))
    ++count;
  return count;
}

}  // namespace postoffice::testing
