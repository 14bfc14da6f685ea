// What goes on beside a test.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

namespace postoffice::testing {

/// Does the same again and again on a thread of its own.
class Repeated {
 public:
  Repeated(std::chrono::milliseconds interval, std::function<void()> action)
      : thread_([this, interval, action = std::move(action)] {
          for (auto next = std::chrono::steady_clock::now(); !stopping_;) {
            if (std::chrono::steady_clock::now() >= next) {
              action();
              next = std::chrono::steady_clock::now() + interval;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));  // how exact it is
          }
        }) {}
  ~Repeated() {
    stopping_ = true;
    thread_.join();
  }
  Repeated(const Repeated&) = delete;
  Repeated& operator=(const Repeated&) = delete;

 private:
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace postoffice::testing
