#include "core/expiry_schedule.hpp"

#include <utility>

namespace postoffice::core {

void ExpirySchedule::place(EntryIndex index, Timestamp time) {
  ledger_[index].in_expiry = true;
  buckets_[tick(time)].push_back(index);
}

std::vector<EntryIndex> ExpirySchedule::take_front() {
  std::vector<EntryIndex> front = std::move(buckets_.begin()->second);
  buckets_.erase(buckets_.begin());
  for (const EntryIndex index : front) ledger_[index].in_expiry = false;
  return front;
}

std::vector<EntryIndex> ExpirySchedule::take_expired(Timestamp cutoff) {
  std::vector<EntryIndex> expired;
  while (!buckets_.empty() && buckets_.begin()->first < tick(cutoff)) {
    for (const EntryIndex index : take_front()) {
      const Entry& entry = ledger_[index];
      if (entry.last_receipt >= cutoff) {
        place(index, entry.last_receipt);
        continue;
      }
      expired.push_back(index);
      const bool looked_at_again = !entry.in_unserved && !forgettable(entry);
      if (looked_at_again) place(index, cutoff + std::chrono::seconds(1));
    }
  }
  return expired;
}

std::vector<EntryIndex> ExpirySchedule::take_oldest() {
  if (buckets_.empty()) return {};
  return take_front();
}

}  // namespace postoffice::core
