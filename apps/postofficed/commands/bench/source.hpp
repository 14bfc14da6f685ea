// The source of a measurement: knows every object, and answers as slowly as it is told.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "http/server/http_server.hpp"
#include "postoffice/defaults/event_loop.hpp"

namespace postofficed::bench {

/// Threads: all methods from any thread.
class Source {
 public:
  Source();
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::error_code start();
  std::string url() const;

  /// For requests from now on.
  void set_latency(std::chrono::milliseconds latency) { latency_ = latency; }
  std::uint64_t answered() const { return answered_; }

 private:
  using Clock = std::chrono::steady_clock;

  struct Waiting {
    Clock::time_point due;
    std::string id;
    postoffice::HttpServer::Respond respond;
  };

  void take(const std::string& path, postoffice::HttpServer::Respond respond);
  void answer(const std::string& id, const postoffice::HttpServer::Respond& respond);
  void answer_in_time();

  std::atomic<std::chrono::milliseconds> latency_{};
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::deque<Waiting> waiting_;
  postoffice::EventLoop loop_;
  postoffice::HttpServer server_;
  std::thread answering_;
};

}  // namespace postofficed::bench
