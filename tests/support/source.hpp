// A source in this process, outside the daemon's faults, that remembers every fetch.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "http/server/http_server.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "support/now.hpp"

namespace postoffice::testing {

/// Even ids are online. It answers after up to `latency`; or, while it hangs, never.
class Source {
 public:
  struct Fetches {
    int count = 0;
    std::int64_t last_at = 0;  // microseconds since the epoch
  };

  explicit Source(std::chrono::milliseconds latency = {})
      : latency_(latency), clock_(loop_), server_(loop_, options(), handler()) {
    loop_.start();
    REQUIRE_FALSE(server_.start());
  }
  ~Source() {
    server_.stop();
    loop_.stop();
  }

  std::string url() const {
    return "http://localhost:" + std::to_string(server_.port()) + "/objects/{id}";
  }

  /// From now on fetches stay unanswered, or no longer; those that wait are answered then.
  void hang(bool on) {
    hanging_ = on;
    if (on) return;
    loop_.post([this] {
      for (auto& [id, respond] : std::exchange(waiting_, {})) respond(response(id));
    });
  }

  std::map<std::int64_t, Fetches> fetches() const {
    const std::lock_guard lock(mutex_);
    return fetches_;
  }
  std::uint64_t count() const { return count_; }

  /// Greater ids are not found from now on.
  void knows_up_to(std::int64_t id) { greatest_ = id; }

  /// Keeps only their number: for tests with very many ids.
  void forget_ids() { keeping_ = false; }

 private:
  static HttpServerOptions options() {
    HttpServerOptions options;
    options.listen = "localhost:0";
    return options;
  }

  HttpServer::Handler handler() {
    return [this](const HttpRequest& request, HttpServer::Respond respond) {
      answer(request, std::move(respond));
    };
  }

  HttpResponse response(std::int64_t id) const {
    HttpResponse response;
    if (id > greatest_) response.status = 404;
    response.body =
        "{\"id\":" + std::to_string(id) + ",\"online\":" + (id % 2 == 0 ? "true" : "false") + "}";
    return response;
  }

  void answer(const HttpRequest& request, HttpServer::Respond respond) {
    const auto id = std::atoll(request.path.c_str() + request.path.rfind('/') + 1);
    ++count_;
    if (keeping_) {
      const std::lock_guard lock(mutex_);
      auto& fetches = fetches_[id];
      ++fetches.count;
      fetches.last_at = now_us();
    }
    if (hanging_) {
      waiting_.emplace_back(id, std::move(respond));
    } else if (latency_.count() == 0) {
      respond(response(id));
    } else {
      const auto delay = std::uniform_int_distribution<std::int64_t>(0, latency_.count())(random_);
      clock_.call_at(clock_.now() + std::chrono::milliseconds(delay),
                     [this, id, respond] { respond(response(id)); });
    }
  }

  const std::chrono::milliseconds latency_;
  std::mt19937 random_;  // the loop's

  mutable std::mutex mutex_;
  std::map<std::int64_t, Fetches> fetches_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<bool> hanging_{false};
  std::atomic<bool> keeping_{true};
  std::atomic<std::int64_t> greatest_{std::numeric_limits<std::int64_t>::max()};
  std::vector<std::pair<std::int64_t, HttpServer::Respond>> waiting_;  // the loop's
  EventLoop loop_;
  SystemClock clock_;
  HttpServer server_;
};

}  // namespace postoffice::testing
