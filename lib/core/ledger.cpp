#include "core/ledger.hpp"

#include <cassert>
#include <utility>

namespace postoffice::core {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

constexpr std::size_t slots_at_start = 1024;

}  // namespace

Ledger::Ledger(std::uint64_t seed) : seed_(mix(seed + 1)), slots_(slots_at_start, no_entry) {}

std::size_t Ledger::home(ObjectId id) const {
  return mix(static_cast<std::uint64_t>(id) ^ seed_) & (slots_.size() - 1);
}

std::size_t Ledger::slot_of(ObjectId id) const {
  std::size_t slot = home(id);
  while (slots_[slot] != no_entry && (*this)[slots_[slot]].id != id) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

EntryIndex Ledger::find(ObjectId id) const { return slots_[slot_of(id)]; }

EntryIndex Ledger::find_or_add(ObjectId id) {
  const std::size_t slot = slot_of(id);
  if (slots_[slot] != no_entry) return slots_[slot];
  if ((size_ + 1) * 4 > slots_.size() * 3) {
    grow();
    return find_or_add(id);
  }
  EntryIndex index = entries_end_;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    if ((index & chunk_mask) == 0) chunks_.push_back(std::make_unique<Entry[]>(chunk_mask + 1));
    ++entries_end_;
  }
  // The ticket goes on counting, so that a place left in a ready list cannot match a new tenant.
  const auto ticket = (*this)[index].ticket;
  (*this)[index] = Entry{};
  (*this)[index].id = id;
  (*this)[index].ticket = ticket + 1;
  slots_[slot] = index;
  ++size_;
  return index;
}

void Ledger::erase(EntryIndex index) {
  assert(!(*this)[index].in_unserved && !(*this)[index].in_expiry);
  std::size_t hole = slot_of((*this)[index].id);
  assert(slots_[hole] == index);
  // Backward-shift deletion (Knuth 6.4, algorithm R): close the gap instead of leaving tombstones.
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t probe = (hole + 1) & mask; slots_[probe] != no_entry;
       probe = (probe + 1) & mask) {
    const std::size_t wanted = home((*this)[slots_[probe]].id);
    if (((probe - wanted) & mask) >= ((probe - hole) & mask)) {
      slots_[hole] = slots_[probe];
      hole = probe;
    }
  }
  slots_[hole] = no_entry;
  ++(*this)[index].ticket;
  free_.push_back(index);
  --size_;
}

void Ledger::grow() {
  std::vector<EntryIndex> old(slots_.size() * 2, no_entry);
  old.swap(slots_);
  for (const EntryIndex index : old) {
    if (index != no_entry) slots_[slot_of((*this)[index].id)] = index;
  }
}

void Ledger::unlink(EntryIndex index) {
  Entry& entry = (*this)[index];
  (entry.served_before == no_entry ? first_unserved_ : (*this)[entry.served_before].served_after) =
      entry.served_after;
  (entry.served_after == no_entry ? last_unserved_ : (*this)[entry.served_after].served_before) =
      entry.served_before;
  --unserved_;
}

void Ledger::set_unserved(EntryIndex index, Sequence position) {
  if ((*this)[index].in_unserved) unlink(index);
  EntryIndex before = last_unserved_;
  if (before != no_entry && (*this)[before].position > position) {
    before = no_entry;
    for (EntryIndex next = first_unserved_; (*this)[next].position < position;
         next = (*this)[next].served_after) {
      before = next;
    }
  }
  link(index, position, before);
}

void Ledger::link(EntryIndex index, Sequence position, EntryIndex before) {
  Entry& entry = (*this)[index];
  entry.in_unserved = true;
  entry.position = position;
  entry.served_before = before;
  EntryIndex& next = before == no_entry ? first_unserved_ : (*this)[before].served_after;
  entry.served_after = std::exchange(next, index);
  (entry.served_after == no_entry ? last_unserved_ : (*this)[entry.served_after].served_before) =
      index;
  ++unserved_;
}

void Ledger::set_served(EntryIndex index) {
  Entry& entry = (*this)[index];
  if (!entry.in_unserved) return;
  unlink(index);
  entry.in_unserved = false;
}

}  // namespace postoffice::core
