#include "core/expiry_schedule.hpp"

#include <cassert>
#include <utility>

namespace postoffice::core {
namespace {

constexpr std::size_t times_prefetched_ahead = 16;

}  // namespace

void ExpirySchedule::set_in_expiry(KnownIndex index, bool in_expiry) {
  Known& known = ledger_.known(index);
  if (known.active()) {
    ledger_[known.entry()].in_expiry = in_expiry;
  } else {
    known.set_idle(known.last_receipt(), in_expiry);
  }
}

std::uint32_t ExpirySchedule::take_block(std::uint32_t next) {
  std::uint32_t taken = free_;
  if (taken == no_block) {
    taken = static_cast<std::uint32_t>(blocks_.size());
    blocks_.push_back(std::make_unique<Block>());
  } else {
    free_ = blocks_[taken]->next;
  }
  blocks_[taken]->next = next;
  blocks_[taken]->count = 0;
  return taken;
}

void ExpirySchedule::place(KnownIndex index, Timestamp time) {
  set_in_expiry(index, true);
  std::uint32_t& newest = buckets_.try_emplace(tick(time), no_block).first->second;
  if (newest == no_block || blocks_[newest]->count == Block::size) newest = take_block(newest);
  Block& block = *blocks_[newest];
  block.ids[block.count++] = index;
}

// Moves the ids of the first bucket to front_.
void ExpirySchedule::take_front() {
  assert(!buckets_.empty());
  front_.clear();
  const auto first = buckets_.begin();
  for (std::uint32_t at = first->second; at != no_block;) {
    Block& block = *blocks_[at];
    front_.insert(front_.end(), block.ids, block.ids + block.count);
    const auto next = std::exchange(block.next, free_);
    free_ = std::exchange(at, next);
  }
  buckets_.erase(first);
}

void ExpirySchedule::look_at(KnownIndex index, Timestamp cutoff) {
  const Known& known = ledger_.known(index);
  const bool active = known.active();
  const Timestamp last_receipt =
      active ? ledger_[known.entry()].last_receipt : known.last_receipt();
  if (last_receipt >= cutoff) return place(index, last_receipt);
  expired_.push_back(index);
  // While a fetch is owed, the id need not be watched: it is watched again when that fetch has
  // ended.
  const bool looked_at_again = active && !ledger_[known.entry()].in_unserved();
  if (looked_at_again) return place(index, cutoff + std::chrono::seconds(1));
  set_in_expiry(index, false);
}

const std::vector<KnownIndex>& ExpirySchedule::take_expired(Timestamp cutoff) {
  expired_.clear();
  while (!buckets_.empty() && buckets_.begin()->first < tick(cutoff)) {
    take_front();
    for (std::size_t i = 0; i < front_.size(); ++i) {
      if (i + times_prefetched_ahead < front_.size()) {
        __builtin_prefetch(&ledger_.known(front_[i + times_prefetched_ahead]));
      }
      look_at(front_[i], cutoff);
    }
  }
  return expired_;
}

const std::vector<KnownIndex>& ExpirySchedule::take_oldest() {
  front_.clear();
  if (buckets_.empty()) return front_;
  take_front();
  for (const KnownIndex index : front_) set_in_expiry(index, false);
  return front_;
}

}  // namespace postoffice::core
