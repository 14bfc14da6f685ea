#include "core/ready_queue.hpp"

#include <cassert>

#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

constexpr Duration behind_after = std::chrono::milliseconds(250);
constexpr unsigned turns = 4;

}  // namespace

void ReadyQueue::push(EntryIndex index, Timestamp now, bool waited) {
  Entry& entry = ledger_[index];
  assert(ledger_.active(index));
  assert((entry.stage == Stage::queued) == (entry.ticket != 0));
  if (entry.stage != Stage::queued) {
    ++size_;
    if (entry.attempts == 0) ++first_size_;
  }
  entry.stage = Stage::queued;
  Line& first = waited ? waited_ : first_;
  const bool last = stale(index, now) && owed_tries(index);
  Line& line = entry.attempts == 0 ? first : last ? stale_ : retries_;
  entry.ticket = new_ticket();
  line.push_back({index, entry.ticket});
}

// A shorter ttl needs nothing: ids that have grown too old by it are found at the fronts.
void ReadyQueue::set_ttl(Duration ttl, Timestamp now) {
  ttl_ = ttl;
  for (auto left = stale_.size(); left > 0; --left) {
    const Place place = stale_.front();
    stale_.pop_front();
    if (!valid(place)) continue;
    Line& line = stale(place.index, now) ? stale_ : retries_;
    line.push_back(Place(place));
  }
}

// Ids reuse entries, so a ticket must be new to all of them; 0 is not a ticket.
std::uint32_t ReadyQueue::new_ticket() {
  if (++last_ticket_ == 0) ++last_ticket_;
  return last_ticket_;
}

// Drops void places and moves ids that went stale while they waited, until the front is good.
bool ReadyQueue::front_valid(Line& line, Timestamp now) {
  while (!line.empty()) {
    const Place place = line.front();
    const bool good = valid(place);
    if (good && (&line == &stale_ || !stale(place.index, now))) return true;
    line.pop_front();
    if (good) went_stale(place);
  }
  return false;
}

void ReadyQueue::went_stale(const Place& place) {
  if (owed_tries(place.index)) {
    stale_.push_back(Place(place));
    return;
  }
  left(place.index);
  ledger_[place.index].stage = Stage::idle;
  too_old_.push_back(place.index);
}

void ReadyQueue::left(EntryIndex index) {
  assert(ledger_[index].stage == Stage::queued && ledger_[index].ticket != 0);
  ledger_[index].ticket = 0;
  count_down(size_);
  if (ledger_[index].attempts == 0) count_down(first_size_);
}

EntryIndex ReadyQueue::pop(Line& line) {
  const EntryIndex index = line.front().index;
  line.pop_front();
  left(index);
  return index;
}

EntryIndex ReadyQueue::take_first(Timestamp now) {
  const EntryIndex oldest = first_.front().index;
  const bool behind = ledger_[oldest].last_receipt + behind_after < now;
  const bool turn_of_oldest = turn_++ % turns == turns - 1;
  if (!behind || turn_of_oldest) return pop(first_);
  // The front is good, so this ends there at the latest.
  for (;; first_.pop_back()) {
    const Place place = first_.back();
    if (!valid(place)) continue;
    if (stale(place.index, now)) {
      went_stale(place);
      continue;
    }
    const bool waited = front_valid(waited_, now) && ledger_[waited_.front().index].last_receipt >
                                                         ledger_[place.index].last_receipt;
    if (waited) return pop(waited_);
    first_.pop_back();
    left(place.index);
    return place.index;
  }
}

EntryIndex ReadyQueue::pop(Timestamp now, bool retries_full, Among among) {
  const bool retries = among != Among::new_ones;
  if (retries && !retries_full && front_valid(retries_, now)) return pop(retries_);
  if (front_valid(first_, now)) return take_first(now);
  if (front_valid(waited_, now)) return pop(waited_);
  if (retries && front_valid(retries_, now)) return pop(retries_);
  if (among == Among::all && front_valid(stale_, now)) return pop(stale_);
  return no_entry;
}

}  // namespace postoffice::core
