#include "core/known_ids.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

constexpr std::size_t parts = 512;
constexpr std::uint32_t slots_at_start = 8;
constexpr std::uint32_t slots_prefetched_ahead = 8;

}  // namespace

KnownIds::KnownIds(std::uint64_t seed) : seed_(mix64(seed + 1)), parts_(parts) {
  for (Part& part : parts_) {
    part.slots = std::make_unique<Slot[]>(slots_at_start);
    part.mask = slots_at_start - 1;
  }
}

KnownIndex KnownIds::find_or_add(ObjectId id) {
  const auto hashed = hash(id);
  Part& in = part(hashed);
  const Found found = look_for(in, hashed, id);
  if (found.index != not_known) return found.index;
  const KnownIndex index = new_record();
  (*this)[index].id = id;
  if ((in.used + 1) * 4 > (in.mask + 1) * 3) make_room(in);
  if (place_of(index) + 2 >= in.index_mask()) widen(in, place_of(index));
  put_in_slot(in, index);
  ++in.used;
  ++in.held;
  ++size_;
  return index;
}

KnownIndex KnownIds::new_record() {
  if (free_ != not_known) {
    const KnownIndex index = free_;
    free_ = (*this)[index].next_free();
    (*this)[index] = {};
    return index;
  }
  if ((end_ & block_mask) == 0) blocks_.push_back(std::make_unique<Known[]>(block_mask + 1));
  return KnownIndex{end_++};
}

void KnownIds::erase(KnownIndex index) {
  const auto hashed = hash((*this)[index].id);
  Part& in = part(hashed);
  const Found found = look_for(in, hashed, (*this)[index].id);
  assert(found.index == index);
  std::uint32_t at = found.slot;
  in.slots[at] = erased;  // searches must go on past it, except at the end of a run of slots
  if (in.slots[(at + 1) & in.mask] == empty) {
    for (; in.slots[at] == erased; at = (at - 1) & in.mask) {
      in.slots[at] = empty;
      count_down(in.used);
    }
  }
  count_down(in.held);
  count_down(size_);
  (*this)[index].free(free_);
  free_ = index;
}

// Drops the slots of erased ids, and doubles or halves their number if that is due. By the next
// time there will be about twice as many records, so room for their numbers is made now.
void KnownIds::make_room(Part& in) {
  const std::uint32_t count = in.mask + 1;
  std::uint32_t wanted = count;
  if (in.held * 8 > count * 5) wanted *= 2;
  if (in.held * 8 < count && count > slots_at_start) wanted /= 2;
  const Part from = {std::exchange(in.slots, std::make_unique<Slot[]>(wanted)), in.mask, in.held,
                     in.used, in.index_bits};
  in.mask = wanted - 1;
  in.used = in.held;
  in.index_bits = std::max<unsigned>(in.index_bits, std::bit_width(end_ / 2 * 5));
  const auto holds = [&](std::uint32_t at) {
    return from.slots[at] != empty && from.slots[at] != erased;
  };
  for (std::uint32_t at = 0; at < count; ++at) {
    const auto ahead = at + slots_prefetched_ahead;
    if (ahead < count && holds(ahead)) {
      __builtin_prefetch(&(*this)[from.index(from.slots[ahead])]);
    }
    if (holds(at)) put_in_slot(in, from.index(from.slots[at]));
  }
}

// Puts a record into the first empty slot.
void KnownIds::put_in_slot(Part& in, KnownIndex index) {
  const auto hashed = hash((*this)[index].id);
  std::uint32_t at = hashed & in.mask;
  while (in.slots[at] != empty) at = (at + 1) & in.mask;
  in.slots[at] = in.tag(hashed) | (place_of(index) + 1);
}

// Takes bits from the tags until `place` fits: rarely needed, see make_room().
void KnownIds::widen(Part& in, std::uint32_t place) {
  const Slot old_mask = in.index_mask();
  while (place + 2 >= in.index_mask()) ++in.index_bits;
  assert(in.index_bits < 32);
  for (std::uint32_t at = 0; at <= in.mask; ++at) {
    Slot& slot = in.slots[at];
    if (slot == empty || slot == erased) continue;
    slot = (slot & old_mask) | (slot & ~in.index_mask());
  }
}

}  // namespace postoffice::core
