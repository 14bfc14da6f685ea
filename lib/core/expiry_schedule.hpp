// Which ids have not been received for longer than ttl.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/ledger.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Ids in buckets by the time of their last receipt. A receipt does not move an id: when a bucket's
/// time has come, ids that were received again go to the bucket they belong in by then. So an id
/// moves once per ttl, however often it is received.
class ExpirySchedule {
 public:
  static constexpr Duration bucket = std::chrono::milliseconds(250);

  explicit ExpirySchedule(Ledger& ledger) : ledger_(ledger) {}

  /// Watches the id, if that is not done yet.
  void add(EntryIndex index) {
    if (!ledger_[index].in_expiry) place(index, ledger_[index].last_receipt);
  }

  /// Takes out the ids whose last receipt lies before `cutoff`, late by one bucket at most. Ids
  /// that still are touched or carried are looked at again a second later.
  std::vector<EntryIndex> take_expired(Timestamp cutoff);

  /// Stops watching the ids of the oldest bucket, and hands them over.
  std::vector<EntryIndex> take_oldest();

  bool empty() const { return buckets_.empty(); }

 private:
  static std::int64_t tick(Timestamp time) {
    return time.time_since_epoch() / bucket;  // floors: times here are not negative
  }
  void place(EntryIndex index, Timestamp time);
  std::vector<EntryIndex> take_front();

  Ledger& ledger_;
  std::map<std::int64_t, std::vector<EntryIndex>> buckets_;
};

/// Nothing but the expiry schedule refers to the entry.
inline bool forgettable(const Entry& entry) {
  return !entry.in_unserved && entry.touching == 0 && !entry.carrying;
}

}  // namespace postoffice::core
