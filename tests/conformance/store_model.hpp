// A simple model of an ObjectStore, and random histories to compare it with a real one.
#pragma once

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "postoffice/object_store.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {

/// Everything that was applied to an id, and the row that follows from it.
class StoreModel {
 public:
  Applied apply(const Changes& changes) {
    Applied applied;
    const Timestamp cutoff = std::max(cutoff_, changes.cutoff);
    for (const auto& [id, last_seen] : changes.touches) {
      Entry& entry = entries_[id];
      if (!entry.stored) applied.missing.push_back(id);
      if (entry.stored) entry.last_seen = std::max(entry.last_seen, last_seen);
    }
    for (const Object& answer : changes.answers) {
      Entry& entry = entries_[answer.id];
      const bool newer = !entry.decided || entry.fetched_at < answer.fetched_at;
      if (!entry.stored && answer.last_seen < cutoff) {
        applied.late.push_back(answer.id);
      } else if (entry.stored) {
        entry.last_seen = std::max(entry.last_seen, answer.last_seen);
        if (newer) decide(entry, answer, true);
      } else if (newer) {
        entry.last_seen = answer.last_seen;
        decide(entry, answer, true);
      }
    }
    for (const Object& removal : changes.removals) {
      Entry& entry = entries_[removal.id];
      const bool outdated = entry.decided && entry.fetched_at > removal.fetched_at;
      if (outdated && entry.stored) entry.last_seen = std::max(entry.last_seen, removal.last_seen);
      if (!outdated) decide(entry, removal, false);
    }
    for (const ObjectId id : changes.cleared) dead_letters_.erase(id);
    for (const DeadLetter& letter : changes.dead_letters) dead_letters_[letter.id] = letter;
    return applied;
  }

  Expired expire(const Expiry& expiry) {
    cutoff_ = std::max(cutoff_, expiry.cutoff);
    const std::set<ObjectId> named(expiry.ids.begin(), expiry.ids.end());
    Expired expired{.deleted = 0, .oldest_left = Timestamp::max()};
    for (auto& [id, entry] : entries_) {
      if (!entry.stored) continue;
      const bool looked_at = expiry.scan || named.contains(id);
      if (looked_at && entry.last_seen < expiry.cutoff) {
        entry = {};
        ++expired.deleted;
      } else {
        expired.oldest_left = std::min(expired.oldest_left, entry.last_seen);
      }
    }
    return expired;
  }

  std::vector<Object> objects() const {
    std::vector<Object> rows;
    for (const auto& [id, entry] : entries_) {
      if (entry.stored) rows.push_back({id, entry.online, entry.last_seen, entry.fetched_at});
    }
    return rows;
  }

  std::vector<DeadLetter> dead_letters() const {
    std::vector<DeadLetter> letters;
    for (const auto& [id, letter] : dead_letters_) letters.push_back(letter);
    return letters;
  }

 private:
  struct Entry {
    bool decided = false;  // some answer or removal is remembered
    bool stored = false;
    bool online = false;
    Timestamp last_seen{};
    Timestamp fetched_at{};
  };

  static void decide(Entry& entry, const Object& answer, bool stored) {
    entry.decided = true;
    entry.stored = stored;
    entry.online = answer.online;
    entry.fetched_at = answer.fetched_at;
  }

  std::map<ObjectId, Entry> entries_;
  std::map<ObjectId, DeadLetter> dead_letters_;
  Timestamp cutoff_ = Timestamp::min();
};

/// Random calls about few ids and times, so that they conflict often.
class HistoryMaker {
 public:
  explicit HistoryMaker(unsigned seed) : random_(seed) {}

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }

  Changes changes() {
    Changes changes;
    for (const ObjectId id : ids()) {
      const Timestamp last_seen = time();
      const Timestamp fetched_at = time();
      switch (below(6)) {
        case 0:
        case 1: changes.touches.push_back({id, last_seen}); break;
        case 2:
        case 3: changes.answers.push_back({id, below(2) == 0, last_seen, fetched_at}); break;
        case 4: changes.removals.push_back({id, false, last_seen, fetched_at}); break;
        default: break;
      }
      if (below(5) == 0)
        changes.dead_letters.push_back({id, time(), time(), below(9), "reason"});
      else if (below(5) == 0)
        changes.cleared.push_back(id);
    }
    if (below(3) == 0) changes.cutoff = time();
    return changes;
  }

  Expiry expiry() {
    // Removals are forgotten after ten minutes; all times here are closer together.
    Expiry expiry{.cutoff = at(below(40)), .ids = {}, .scan = below(3) == 0};
    expiry.tell_oldest = below(2) == 0;
    for (const ObjectId id : ids()) {
      if (below(2) == 0) expiry.ids.push_back(id);
    }
    // An expiry that examines nothing need not be remembered.
    if (expiry.ids.empty()) expiry.ids.push_back(0);
    return expiry;
  }

 private:
  using Limits = std::numeric_limits<ObjectId>;

  static std::array<ObjectId, 9> ids() {
    return {Limits::min(), -5, -1, 0, 1, 2, 3, 1'000'000'007, Limits::max()};
  }

  Timestamp time() { return at(below(60)); }

  std::mt19937 random_;
};

}  // namespace postoffice::testing
