#include "core/ledger.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

// As many ids as fit into the processor's caches.
constexpr std::size_t prepared_from = 1 << 13;

}  // namespace

EntryIndex Ledger::find(ObjectId id) const {
  const KnownIndex known = known_.find(id);
  return known != not_known && known_[known].active() ? known_[known].entry() : no_entry;
}

EntryIndex Ledger::recall(ObjectId id) {
  const KnownIndex known = known_.find(id);
  return known == not_known ? no_entry : activate(known);
}

EntryIndex Ledger::find_or_add(ObjectId id) { return activate(known_.find_or_add(id)); }

EntryIndex Ledger::activate(KnownIndex index) {
  Known& known = known_[index];
  if (known.active()) {
    assert((*this)[known.entry()].known == index && (*this)[known.entry()].id == known.id);
    return known.entry();
  }
  const EntryIndex fresh = new_entry();
  Entry& entry = (*this)[fresh];
  entry = Entry{};
  entry.id = known.id;
  entry.last_receipt = known.last_receipt();
  entry.in_expiry = known.in_expiry();
  entry.known = index;
  known.activate(fresh);
  return fresh;
}

EntryIndex Ledger::new_entry() {
  ++active_;
  if (free_ != no_entry) return std::exchange(free_, (*this)[free_].next_free);
  if ((end_ & block_mask) == 0) blocks_.push_back(std::make_unique<Entry[]>(block_mask + 1));
  return EntryIndex{end_++};
}

void Ledger::free(EntryIndex index) {
  Entry& entry = (*this)[index];
  assert(entry.known != not_known && unused(entry));
  count_down(active_);
  entry.known = not_known;
  entry.ticket = 0;
  entry.next_free = std::exchange(free_, index);
}

bool Ledger::release_if_unused(EntryIndex index) {
  const Entry& entry = (*this)[index];
  if (!active(index) || !unused(entry)) return false;
  known_[entry.known].set_idle(entry.last_receipt, entry.in_expiry);
  free(index);
  return true;
}

void Ledger::erase(EntryIndex index) {
  assert(active(index) && !(*this)[index].in_expiry);
  known_.erase((*this)[index].known);
  free(index);
}

void Ledger::forget(KnownIndex index) {
  assert(!known_[index].active() && !known_[index].in_expiry());
  known_.erase(index);
}

// Each step prefetches what the step before has found: slots, records, entries, list neighbours.
void Ledger::prepare(std::span<const ObjectId> ids) const {
  if (known_.size() < prepared_from) return;
  const std::size_t count = std::min(ids.size(), lookahead);
  std::array<std::uint64_t, lookahead> hashes;
  for (std::size_t i = 0; i < count; ++i) {
    hashes[i] = known_.hash(ids[i]);
    known_.prefetch(hashes[i]);
  }
  std::array<KnownIndex, lookahead> guesses;
  for (std::size_t i = 0; i < count; ++i) guesses[i] = known_.guess(hashes[i]);
  std::array<EntryIndex, lookahead> entries;
  std::size_t active = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (guesses[i] == not_known || !known_[guesses[i]].active()) continue;
    entries[active] = known_[guesses[i]].entry();
    prefetch(entries[active++]);
  }
  for (std::size_t i = 0; i < active; ++i) {
    const Entry& entry = (*this)[entries[i]];
    if (!entry.in_unserved()) continue;
    const EntryIndex before = unserved_.before(*this, entries[i]);
    const EntryIndex after = unserved_.after(*this, entries[i]);
    if (before != no_entry) prefetch(before);
    if (after != no_entry) prefetch(after);
  }
}

void Ledger::set_unserved(EntryIndex index, Sequence position) {
  assert(active(index));
  if ((*this)[index].in_unserved()) unserved_.remove(*this, index);
  EntryIndex before = unserved_.last();
  if (before != no_entry && (*this)[before].position > position) {
    before = no_entry;
    for (EntryIndex next = unserved_.first(); (*this)[next].position < position;
         next = unserved_.after(*this, next)) {
      before = next;
    }
  }
  (*this)[index].position = position;
  unserved_.insert_after(*this, before, index);
}

void Ledger::set_served(EntryIndex index) {
  if ((*this)[index].in_unserved()) unserved_.remove(*this, index);
}

}  // namespace postoffice::core
