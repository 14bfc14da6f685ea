// Reads rows and metrics from outside, all the time, and records violations.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include "integration/whole_job.hpp"
#include "support/repeated.hpp"

namespace postoffice::testing {

/// Rows must neither go (the ttl is longer than the test) nor step back (S4); S8 holds in every
/// scrape. While the server cannot be asked there is nothing to be seen.
class Watch {
 public:
  Watch(const Cluster& cluster, std::uint16_t admin_port)
      : cluster_(cluster), admin_port_(admin_port) {
    looks_.emplace(std::chrono::milliseconds(100), [this] { look(); });
  }

  void stop() {
    looks_.reset();
    look_at_rows();
  }

  /// Valid after stop().
  const std::string& problems() const { return problems_; }
  int samples() const { return samples_; }

 private:
  void look() {
    look_at_rows();
    look_at_metrics();
  }

  void look_at_rows() {
    Rows now;
    try {
      now = rows(cluster_);
    } catch (const std::runtime_error&) {
      return;
    }
    for (const auto& [id, before] : seen_) {
      const auto place = now.find(id);
      if (place == now.end()) {
        note("row " + std::to_string(id) + " is gone");
      } else if (place->second.last_seen < before.last_seen) {
        note("last_seen of " + std::to_string(id) + " stepped back by " +
             std::to_string(before.last_seen - place->second.last_seen) + " us");
      }
    }
    seen_ = std::move(now);
    ++samples_;
  }

  void look_at_metrics() {
    const auto answer = http_get(admin_port_, "/metrics");
    if (answer.status != 200) return note("/metrics: " + std::to_string(answer.status));
    const auto broken = broken_identity(answer.body);
    if (!broken.empty()) note(broken);
  }

  void note(const std::string& problem) {
    if (problems_.size() < 1000) problems_ += problem + "\n";
  }

  const Cluster& cluster_;
  const std::uint16_t admin_port_;
  std::atomic<int> samples_ = 0;
  Rows seen_;
  std::string problems_;
  std::optional<Repeated> looks_;
};

}  // namespace postoffice::testing
