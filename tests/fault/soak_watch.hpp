// Watches the soak from outside: the rows, and the memory and descriptors of the daemon.
#pragma once

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fault/soak_receipts.hpp"
#include "integration/whole_job.hpp"
#include "support/repeated.hpp"

namespace postoffice::testing {

/// Counts violations by kind. From any thread.
class Violations {
 public:
  void add(const std::string& kind, const std::string& example) {
    const std::lock_guard lock(mutex_);
    if (counts_[kind]++ < 3) std::printf("VIOLATION: %s: %s\n", kind.c_str(), example.c_str());
    std::fflush(stdout);
  }
  std::size_t count(const std::string& kind) const {
    const std::lock_guard lock(mutex_);
    const auto found = counts_.find(kind);
    return found == counts_.end() ? 0 : found->second;
  }
  void check() const {
    for (const auto& [kind, count] : counts_) FAIL_CHECK(count << " × " << kind);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::size_t> counts_;
};

/// Rows do not go early, and last_seen never goes back. While the server cannot be asked there is
/// nothing to be seen.
class RowsWatch {
 public:
  RowsWatch(const Cluster& cluster, const Receipts& receipts, std::int64_t ttl_us,
            Violations& violations)
      : cluster_(cluster), receipts_(receipts), ttl_us_(ttl_us), violations_(violations) {}

  void look() {
    Rows now;
    try {
      now = rows(cluster_);
    } catch (const std::runtime_error&) {
      return;
    }
    const auto seen_by = now_us();
    for (const auto& [id, before] : seen_) {
      if (!now.contains(id)) look_at_gone(id, before, seen_by);
    }
    for (const auto& [id, row] : now) look_at(id, row);
    seen_ = std::move(now);
    ++looks_;
  }

  /// Valid when the watching thread has ended.
  const std::set<std::int64_t>& fresh_seen() const { return fresh_seen_; }
  std::size_t gone() const { return gone_; }
  std::size_t looks() const { return looks_; }

 private:
  void look_at_gone(std::int64_t id, const Row& before, std::int64_t seen_by) {
    ++gone_;
    // The daemon's clock and this one may be some way apart after an hour.
    if (!receipts_.must_live(id, before.last_seen, seen_by + 200'000, ttl_us_)) return;
    violations_.add("early delete", "row " + std::to_string(id) + ", last_seen " +
                                        std::to_string(seen_by - before.last_seen) + " us ago");
  }

  void look_at(std::int64_t id, const Row& row) {
    auto& newest = newest_[id];
    if (row.last_seen < newest) {
      violations_.add("last_seen stepped back", "row " + std::to_string(id) + ", by " +
                                                    std::to_string(newest - row.last_seen) + " us");
    }
    newest = std::max(newest, row.last_seen);
    if (row.online != (id % 2 == 0)) violations_.add("wrong row", std::to_string(id));
    if (id >= first_fresh_id) fresh_seen_.insert(id);
  }

  const Cluster& cluster_;
  const Receipts& receipts_;
  const std::int64_t ttl_us_;
  Violations& violations_;
  Rows seen_;
  std::map<std::int64_t, std::int64_t> newest_;
  std::set<std::int64_t> fresh_seen_;
  std::size_t gone_ = 0;
  std::size_t looks_ = 0;
};

/// What the daemon holds, life by life.
class Gauges {
 public:
  struct Sample {
    double at = 0;  // seconds since the soak began
    double rss_mib = 0;
    long descriptors = 0;
    long senders = 0;  // connections of them
    long own = 0;      // without the connections that it says it has
  };
  using Life = std::vector<Sample>;

  explicit Gauges(Violations& violations) : violations_(violations) {}

  /// A daemon has begun (nullptr: it is about to end).
  void watch(Daemon* daemon) {
    const std::lock_guard lock(mutex_);
    process_ = daemon ? daemon->process().id() : 0;
    admin_port_ = daemon ? daemon->admin_port() : 0;
    if (daemon) lives_.emplace_back();
  }

  void look() {
    std::unique_lock lock(mutex_);
    const auto process = process_;
    const auto port = admin_port_;
    lock.unlock();
    if (process == 0) return;
    const auto metrics = http_get(port, "/metrics").body;  // may wait for a stopped daemon
    const auto status = http_get(port, "/status").body;
    const auto sample = take(process, status);
    lock.lock();
    if (process_ != process || metrics.empty() || status.empty()) return;
    lives_.back().push_back(sample);
    if (const auto broken = broken_identity(metrics); !broken.empty()) {
      violations_.add("accounting (S8)", broken);
    }
  }

  std::vector<Life> lives() const {
    const std::lock_guard lock(mutex_);
    return lives_;
  }

 private:
  Sample take(pid_t process, const std::string& status) const {
    const auto place = "/proc/" + std::to_string(process);
    const auto text = content_of(place + "/status");
    const auto rss = text.find("VmRSS:");
    Sample sample;
    sample.at = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
    if (rss != std::string::npos) sample.rss_mib = std::atof(text.c_str() + rss + 6) / 1024;
    std::error_code gone;
    for (std::filesystem::directory_iterator entry(place + "/fd", gone), end; entry != end;
         entry.increment(gone)) {
      ++sample.descriptors;
    }
    sample.senders = connections(status, "ingress");
    sample.own = sample.descriptors - sample.senders - connections(status, "source");
    return sample;
  }

  static long connections(const std::string& status, const std::string& of) {
    const std::string name = "\"" + of + "\":{\"connections\":";
    const auto place = status.find(name);
    return place == std::string::npos ? 0 : std::atol(status.c_str() + place + name.size());
  }

  Violations& violations_;
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  pid_t process_ = 0;
  std::uint16_t admin_port_ = 0;
  std::vector<Life> lives_;
};

}  // namespace postoffice::testing
