// What an outsider knows of a history, and what must hold of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::simulation {

/// Knows senders, source and store, and nothing of the process between them. The first thing that
/// is wrong is kept as a sentence. I1 … I9 as in docs/reliability.md.
class Oracle {
 public:
  Oracle(Duration ttl, bool keep_offline) : ttl_(ttl), keep_offline_(keep_offline) {}

  const std::string& wrong() const { return wrong_; }
  void blame(ObjectId id, const std::string& what) {
    if (wrong_.empty()) wrong_ = "id " + std::to_string(id) + ": " + what;
  }
  void blame(const std::string& what) {
    if (wrong_.empty()) wrong_ = what;
  }

  /// Prints what happens to the id POSTOFFICE_TRACE names.
  void trace(ObjectId id, const char* what, Timestamp now, Timestamp time = {}) const {
    static const char* const traced = std::getenv("POSTOFFICE_TRACE");
    if (traced == nullptr || std::to_string(id) != traced) return;
    const auto ms = [](Timestamp t) {
      return static_cast<long long>((t.time_since_epoch() / std::chrono::milliseconds(1)) %
                                    1'000'000'000);
    };
    std::printf("%10lld %s %lld\n", ms(now), what, ms(time));
  }

  // The sender's side. What was sent and not accepted may or may not have been received.
  void sent(const std::vector<ObjectId>& ids) {
    for (const auto id : std::set(ids.begin(), ids.end())) ++known_[id].sent;
  }
  void accepted(const std::vector<ObjectId>& ids, Timestamp received_at) {
    ++callbacks_;
    if (received_at < newest_) blame("a receipt time went back (S2)");
    newest_ = received_at;
    for (const auto id : ids) {
      known_[id].accepted.insert(received_at);
      trace(id, "accepted", received_at);
    }
  }

  // The reader's side: what the queue has handed to the pipeline, in this life of the process.
  void handed(ObjectId id, Timestamp received_at) {
    auto& known = known_[id];
    known.handed = std::max(known.handed, received_at);
    known.tried = false;
  }

  // The source's side.
  void fetch_began(ObjectId id, Timestamp at, bool online) {
    ++fetches_;
    if (!known_.contains(id)) blame(id, "fetched, but never sent (I2)");
    ++known_[id].fetches;
    known_[id].told[at] = online;
    known_[id].tried = true;
    trace(id, online ? "fetch, online" : "fetch, offline", at);
  }
  void fetch_failed(ObjectId id) { ++known_[id].failures; }
  void not_found(ObjectId id, Timestamp began) { settle_without_row(id, began); }
  /// An answer that is of no use to what had been received longer ago than ttl.
  void answered(ObjectId id, Timestamp began, Timestamp now) {
    settle(id, std::min(began, now - ttl_));
  }

  /// With a clock that was set back, an answer from before may look newer for a while.
  void started(Timestamp now) {
    for (auto& [id, known] : known_) {
      known.handed = {};
      known.tried = false;
      if (!known.told.empty() && known.told.rbegin()->first > now) known.is_ahead = true;
    }
  }
  void crashed(Timestamp now) {
    ++crashes_;
    crashed_ = std::max(crashed_, now);
    for (const auto& [id, known] : known_) trace(id, "-- the process ends --", now);
  }

  // The store's side: what a transaction really changed.
  using Rows = std::map<ObjectId, Object>;
  void answer_applied(const Object& answer) {
    settle(answer.id, answer.fetched_at);
    const auto& id = known_[answer.id];
    const auto told = id.told.find(answer.fetched_at);
    if (told == id.told.end() || told->second != answer.online) {
      blame(answer.id, "stored an answer that no fetch of that time gave (S5)");
    }
  }
  void removal_applied(const Object& answer) {
    answer_applied(answer);
    settle_without_row(answer.id, answer.fetched_at);
  }
  void given_up(ObjectId id, Timestamp received_at, int attempts) {
    settle(id, received_at);
    if (attempts < 3) blame(id, "given up after fewer than three tries (S7)");
  }
  void rows_changed(const Rows& before, const Rows& after) {
    for (const auto& [id, row] : after) {
      const auto old = before.find(id);
      if (!known_.contains(id)) blame(id, "has a row, but was never sent (I2)");
      if (old == before.end()) continue;
      if (row.last_seen < old->second.last_seen) blame(id, "last_seen went back (I8)");
      if (row.fetched_at < old->second.fetched_at) blame(id, "an older answer won (S5)");
    }
  }
  /// I6: nothing accepted lies between the cutoff and the watermark, but for receipts whose own
  /// answer was that there is nothing to keep: they owe no row.
  void rows_expired(const Rows& before, const Rows& after, Timestamp cutoff) {
    for (const auto& [id, row] : before) {
      if (after.contains(id)) continue;
      const auto& known = known_[id];
      const auto& receipts = known.accepted;
      const auto alive = receipts.lower_bound(std::max(cutoff, known.without_row + Duration(1)));
      if (alive != receipts.end() && *alive < cutoff + ttl_) blame(id, "deleted early (I6)");
    }
  }

  /// The store refuses these rows: what is checked below holds of all the others.
  void except(std::set<ObjectId> refused) { refused_ = std::move(refused); }

  /// In good weather for seconds already, so nothing lags.
  void check_prompt(const Rows& rows, Timestamp now) {
    for (const auto& [id, row] : rows) {
      if (refused_.contains(id)) continue;
      if (row.last_seen < now - ttl_ - prompt) blame(id, "deleted late (I7)");
      const auto& receipts = known_[id].accepted;
      const auto due = receipts.upper_bound(now - prompt);
      if (due != receipts.begin() && row.last_seen < *std::prev(due)) {
        blame(id, "a receipt has not reached its row (S4)");
      }
    }
  }

  /// With a store and a source that work, whatever else waits: receipts of ids with a row reach it
  /// in time, and an id that is new is fetched in time.
  void check_bounds(const std::set<ObjectId>& live, const std::set<ObjectId>& fresh,
                    const Rows& rows, Timestamp now) {
    for (const auto id : live) {
      if (refused_.contains(id)) continue;
      const auto row = rows.find(id);
      const auto& receipts = known_[id].accepted;
      const auto due = receipts.upper_bound(now - touch_bound);
      if (row == rows.end() || due == receipts.begin()) continue;
      if (row->second.last_seen < *std::prev(due)) blame(id, "touched too late, in a burst (S4)");
    }
    for (const auto id : fresh) {
      const auto& [receipts, told] = std::tie(known_[id].accepted, known_[id].told);
      if (receipts.empty() || *receipts.begin() > now - fetch_bound) continue;
      if (told.empty()) blame(id, "new, and not fetched in time, in a burst (S3)");
    }
  }

  /// In good weather, after time enough to finish everything.
  void check_all_answered(Timestamp now) {
    for (const auto& [id, known] : known_) {
      const bool owed = !known.accepted.empty() && known.settled < *known.accepted.rbegin();
      if (owed && !expired_untried(known, now)) blame(id, "accepted, but never answered (I1)");
    }
  }

  /// In good weather but for ids that the source fails at once: the others do not wait for them.
  template <class Fails>
  void check_others_answered(Fails fails, Timestamp received_until) {
    for (const auto& [id, known] : known_) {
      if (fails(id)) continue;
      const auto due = known.accepted.upper_bound(received_until);
      const bool owed = due != known.accepted.begin() && known.settled < *std::prev(due);
      if (owed) blame(id, "waits for ids that fail (S7)");
    }
  }

  /// The same, when all ids have been sent once more just now.
  void check_all_ended(const Rows& rows, Timestamp now) {
    for (const auto& [id, known] : known_) {
      if (known.accepted.empty() || refused_.contains(id)) continue;
      const auto newest = *known.accepted.rbegin();
      const bool owed = known.settled < newest && !expired_untried(known, now);
      if (owed) blame(id, "accepted, but never answered (I1)");
      const auto bound = known.sent * 2 + known.failures + 3 * crashes_;
      if (known.fetches > bound) blame(id, "fetched too often (I5)");
      if (newest > now - ttl_ + prompt) check_row(id, known, rows);
    }
  }

  void check_gone(const Rows& rows) {
    for (const auto& [id, row] : rows) {
      if (!refused_.contains(id)) blame(id, "remains beside a row that is refused (I7)");
    }
  }

  std::uint64_t callbacks() const { return callbacks_; }
  std::uint64_t fetches() const { return fetches_; }
  std::uint64_t crashes() const { return crashes_; }

 private:
  struct Known {
    std::uint64_t sent = 0;
    std::set<Timestamp> accepted;
    std::uint64_t fetches = 0;
    std::uint64_t failures = 0;
    std::map<Timestamp, bool> told;  // what fetches said, by when they began
    bool is_ahead = false;           // some fetch began at a time that is still to come
    Timestamp without_row{};         // the newest answer that there is nothing to keep
    Timestamp handed{};              // the newest receipt, in this life of the process
    bool tried = false;              // a fetch has begun since
    Timestamp settled{};             // an answer or a dead letter covers all receipts up to here
  };

  /// What had waited for ttl before anybody tried it ends as expired. It was not lost: it has been
  /// handed over in this life, or its time was over in an earlier one.
  bool expired_untried(const Known& known, Timestamp now) const {
    const auto newest = *known.accepted.rbegin();
    const bool there = known.handed >= newest || newest + ttl_ <= crashed_;
    return newest + ttl_ <= now && !known.tried && there;
  }

  void settle(ObjectId id, Timestamp up_to) {
    auto& settled = known_[id].settled;
    settled = std::max(settled, up_to);
  }

  void settle_without_row(ObjectId id, Timestamp up_to) {
    settle(id, up_to);
    auto& without_row = known_[id].without_row;
    without_row = std::max(without_row, up_to);
  }

  /// Its newest answer is the last thing that happened to it.
  void check_row(ObjectId id, const Known& known, const Rows& rows) {
    const auto last = known.told.rbegin();
    if (last == known.told.rend() || known.is_ahead) return;
    const auto row = rows.find(id);
    if (row == rows.end()) {
      if (keep_offline_ || last->second) blame(id, "accepted just now, but has no row (I1)");
      return;
    }
    if (row->second.last_seen != *known.accepted.rbegin()) blame(id, "wrong last_seen (S4)");
    if (row->second.online != last->second) blame(id, "wrong online (S5)");
  }

  static constexpr Duration touch_bound = std::chrono::seconds(1);
  static constexpr Duration fetch_bound = std::chrono::seconds(5);
  static constexpr Duration prompt = std::chrono::milliseconds(1'300);

  const Duration ttl_;
  const bool keep_offline_;
  std::map<ObjectId, Known> known_;
  std::set<ObjectId> refused_;
  Timestamp newest_{};
  Timestamp crashed_{};  // the latest, also where the clock was set back since
  std::uint64_t callbacks_ = 0;
  std::uint64_t fetches_ = 0;
  std::uint64_t crashes_ = 0;
  std::string wrong_;
};

}  // namespace postoffice::simulation
