#include "core/ready_queue.hpp"

namespace postoffice::core {

void ReadyQueue::push(EntryIndex index, Timestamp now) {
  Entry& entry = ledger_[index];
  if (entry.stage != Stage::queued) ++size_;
  entry.stage = Stage::queued;
  Line& line = stale(index, now) ? stale_ : entry.attempts > 0 ? retries_ : first_;
  entry.ticket = new_ticket();
  line.push_back({index, entry.ticket});
}

// Entries are used by one id after the other, so a ticket must be new to all of them; 0 is none.
std::uint32_t ReadyQueue::new_ticket() {
  if (++last_ticket_ == 0) ++last_ticket_;
  return last_ticket_;
}

// Drops void places and moves ids that went stale while they waited, until the front is good.
bool ReadyQueue::front_valid(Line& line, Timestamp now) {
  while (!line.empty()) {
    const auto [index, ticket] = line.front();
    const bool valid = ledger_[index].ticket == ticket;
    if (valid && (&line == &stale_ || !stale(index, now))) return true;
    line.pop_front();
    if (valid) stale_.push_back({index, ticket});
  }
  return false;
}

EntryIndex ReadyQueue::take(Line& line) {
  const EntryIndex index = line.front().index;
  line.pop_front();
  ledger_[index].ticket = 0;
  --size_;
  return index;
}

EntryIndex ReadyQueue::pop(Timestamp now, bool retries_full, Among among) {
  const bool retries = among != Among::new_ones;
  if (retries && !retries_full && front_valid(retries_, now)) return take(retries_);
  if (front_valid(first_, now)) return take(first_);
  if (retries && front_valid(retries_, now)) return take(retries_);
  if (among == Among::all && front_valid(stale_, now)) return take(stale_);
  return no_entry;
}

}  // namespace postoffice::core
