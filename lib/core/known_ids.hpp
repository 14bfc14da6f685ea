// The ids in memory, small enough for millions of them.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mix64.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Names what is being done about an id (Entry). Stable until the id is idle.
enum class EntryIndex : std::uint32_t {};
inline constexpr EntryIndex no_entry{0xffffffff};

/// Names an id. Stable until it is forgotten.
enum class KnownIndex : std::uint32_t {};
inline constexpr KnownIndex not_known{0xffffffff};

// An index into memory. These are two types, not two names of one, so that a mix-up does not
// compile.
constexpr std::uint32_t place_of(EntryIndex index) { return static_cast<std::uint32_t>(index); }
constexpr std::uint32_t place_of(KnownIndex index) { return static_cast<std::uint32_t>(index); }

/// An id and what is known of it while it is idle: when it was last received, and whether the
/// expiry schedule watches it. While it is active, its Entry holds that.
class Known {
 public:
  ObjectId id = 0;

  bool active() const { return (word_ & active_bit) != 0; }
  EntryIndex entry() const {
    assert(active());
    return EntryIndex{static_cast<std::uint32_t>(word_ >> value_shift)};
  }
  void activate(EntryIndex entry) { word_ = shifted(place_of(entry)) | active_bit; }

  Timestamp last_receipt() const {
    assert(!active());
    return Timestamp(Duration(word_ >> value_shift));
  }
  bool in_expiry() const {
    assert(!active());
    return (word_ & expiry_bit) != 0;
  }
  void set_idle(Timestamp last_receipt, bool in_expiry) {
    word_ = shifted(last_receipt.time_since_epoch().count()) | (in_expiry ? expiry_bit : 0);
  }

 private:
  friend class KnownIds;
  static constexpr std::int64_t active_bit = 1;
  static constexpr std::int64_t expiry_bit = 2;
  static constexpr int value_shift = 2;

  // A record that holds no id is in the list of free ones.
  void free(KnownIndex next_free) { word_ = shifted(place_of(next_free)); }
  KnownIndex next_free() const {
    return KnownIndex{static_cast<std::uint32_t>(word_ >> value_shift)};
  }
  static std::int64_t shifted(std::int64_t value) { return value * (1 << value_shift); }

  std::int64_t word_ = 0;
};

/// A hash table of 512 parts that grow independently, so no callback ever waits for all ids to be
/// moved. The records are apart from the slots and never move. A slot has 32 bits: the number of
/// the record, and as many bits of the hash as are left, so that a lookup rarely touches a wrong
/// record.
class KnownIds {
 public:
  /// `seed` keys the hash, so that senders cannot choose colliding ids.
  explicit KnownIds(std::uint64_t seed);

  KnownIndex find(ObjectId id) const;
  KnownIndex find_or_add(ObjectId id);
  void erase(KnownIndex index);

  Known& operator[](KnownIndex index) {
    return blocks_[place_of(index) >> block_bits][place_of(index) & block_mask];
  }
  const Known& operator[](KnownIndex index) const {
    return blocks_[place_of(index) >> block_bits][place_of(index) & block_mask];
  }
  std::size_t size() const { return size_; }

  // In steps, for many ids at once: prefetch() each, then guess() each.
  std::uint64_t hash(ObjectId id) const;
  void prefetch(std::uint64_t hash) const;
  /// The record that find() will look at first; not_known if there is none.
  KnownIndex guess(std::uint64_t hash) const;

 private:
  using Slot = std::uint32_t;
  static constexpr Slot empty = 0;
  static constexpr Slot erased = 0xffffffff;
  static constexpr unsigned block_bits = 12;
  static constexpr std::uint32_t block_mask = (1u << block_bits) - 1;

  struct Part {
    std::unique_ptr<Slot[]> slots;
    std::uint32_t mask = 0;    // the number of slots is a power of two
    std::uint32_t held = 0;    // slots with an id
    std::uint32_t used = 0;    // … or the remains of one
    unsigned index_bits = 12;  // of each slot; the others are hash
    Slot index_mask() const { return (Slot{1} << index_bits) - 1; }
    Slot tag(std::uint64_t hash) const;
    KnownIndex index(Slot slot) const { return KnownIndex{(slot & index_mask()) - 1}; }
  };
  struct Found {
    std::uint32_t slot;  // where the id is, or would go
    KnownIndex index;    // not_known if it is nowhere
  };

  Part& part(std::uint64_t hash) { return parts_[hash >> 55]; }
  const Part& part(std::uint64_t hash) const { return parts_[hash >> 55]; }
  Found look_for(const Part& part, std::uint64_t hash, ObjectId id) const;
  KnownIndex new_record();
  void make_room(Part& part);
  void put_in_slot(Part& part, KnownIndex index);
  void widen(Part& part, std::uint32_t place);

  std::uint64_t seed_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<Known[]>> blocks_;
  std::uint32_t end_ = 0;        // of the records used so far
  KnownIndex free_ = not_known;  // the first of those that are free again
  std::size_t size_ = 0;
};

// Of a hash, the highest 9 bits choose the part, the lowest 32 the slot, and the tag begins with
// the highest of those between: with fewer bits it is the beginning of what it was with more.
inline KnownIds::Slot KnownIds::Part::tag(std::uint64_t hash) const {
  return static_cast<Slot>(hash >> 23) & ~index_mask();
}

inline std::uint64_t KnownIds::hash(ObjectId id) const {
  return mix64(static_cast<std::uint64_t>(id) ^ seed_);
}

inline void KnownIds::prefetch(std::uint64_t hash) const {
  const Part& in = part(hash);
  __builtin_prefetch(&in.slots[hash & in.mask]);
}

inline KnownIndex KnownIds::guess(std::uint64_t hash) const {
  const Part& in = part(hash);
  const Slot tag = in.tag(hash);
  for (std::uint32_t at = hash & in.mask; in.slots[at] != empty; at = (at + 1) & in.mask) {
    const Slot slot = in.slots[at];
    if ((slot & ~in.index_mask()) != tag || slot == erased) continue;
    __builtin_prefetch(&(*this)[in.index(slot)]);
    return in.index(slot);
  }
  return not_known;
}

inline KnownIds::Found KnownIds::look_for(const Part& in, std::uint64_t hash, ObjectId id) const {
  const Slot tag = in.tag(hash);
  const Slot not_index = ~in.index_mask();
  for (std::uint32_t at = hash & in.mask;; at = (at + 1) & in.mask) {
    const Slot slot = in.slots[at];
    if (slot == empty) return {at, not_known};
    if ((slot & not_index) != tag || slot == erased) continue;
    if ((*this)[in.index(slot)].id == id) return {at, in.index(slot)};
  }
}

inline KnownIndex KnownIds::find(ObjectId id) const {
  const auto hashed = hash(id);
  return look_for(part(hashed), hashed, id).index;
}

}  // namespace postoffice::core
