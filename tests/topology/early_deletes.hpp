// Was a row deleted that was still being received? Judged from outside: by what senders were told.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "fault/sender.hpp"
#include "support/now.hpp"
#include "support/repeated.hpp"
#include "support/rows.hpp"

namespace postoffice::testing {

/// True if an object with a row of `last_seen`, accepted again by `sent` (in order), can still not
/// have expired at `now`: no two receipts in a row, nor the last one and now, are a ttl apart.
inline bool must_be_there(std::int64_t last_seen, const std::vector<Sent>& sent, std::int64_t now,
                          std::int64_t ttl) {
  std::int64_t earliest = last_seen;  // of the receipt before
  for (const auto& next : sent) {
    if (next.status != 202 || next.answered_at < last_seen) continue;
    if (next.answered_at - earliest > ttl) return false;
    earliest = std::max(earliest, next.sent_at);
  }
  return now - earliest <= ttl;
}

/// Looks at the table all the time.
class EarlyDeletes {
 public:
  EarlyDeletes(std::string conninfo, const Ledger& ledger, std::int64_t ttl_us)
      : conninfo_(std::move(conninfo)), ledger_(ledger), ttl_(ttl_us) {
    looking_.emplace(std::chrono::milliseconds(100), [this] { look(); });
  }

  void stop() { looking_.reset(); }

  /// Good after stop().
  const std::string& problems() const { return problems_; }
  int looks() const { return looks_; }
  int gone() const { return gone_; }  ///< rows that went, in their time

 private:
  void look() {
    Rows rows_now;
    std::int64_t now = 0;
    try {
      rows_now = postgres_rows(conninfo_);
      now = now_us();
    } catch (const std::runtime_error&) {
      return;
    }
    ++looks_;
    const auto sent = by_id(ledger_.since(now - 4 * ttl_));
    for (const auto& [id, before] : seen_) {
      const auto place = rows_now.find(id);
      if (place != rows_now.end() && place->second.last_seen < before.last_seen) {
        note("last_seen of " + std::to_string(id) + " went back");
      }
      if (place != rows_now.end()) continue;
      ++gone_;
      const auto found = sent.find(id);
      const auto& receipts = found == sent.end() ? std::vector<Sent>() : found->second;
      if (must_be_there(before.last_seen, receipts, now, ttl_)) {
        note("row " + std::to_string(id) + " went early: last_seen " +
             std::to_string((now - before.last_seen) / 1000) + " ms ago and " +
             std::to_string(receipts.size()) + " receipts since");
      }
    }
    seen_ = std::move(rows_now);
  }

  static std::map<std::int64_t, std::vector<Sent>> by_id(std::vector<Sent> all) {
    std::sort(all.begin(), all.end(),
              [](const Sent& a, const Sent& b) { return a.sent_at < b.sent_at; });
    std::map<std::int64_t, std::vector<Sent>> result;
    for (const auto& sent : all) {
      for (const auto id : sent.ids) {
        result[id].push_back({sent.sent_at, sent.answered_at, sent.status, false, {}});
      }
    }
    return result;
  }

  void note(const std::string& problem) {
    if (problems_.size() < 2000) problems_ += problem + "\n";
  }

  const std::string conninfo_;
  const Ledger& ledger_;
  const std::int64_t ttl_;
  std::atomic<int> looks_ = 0;
  std::atomic<int> gone_ = 0;
  Rows seen_;
  std::string problems_;
  std::optional<Repeated> looking_;
};

}  // namespace postoffice::testing
