// Every id in memory: what was received for it last, and what is still owed to it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Where an id stands on its way to a fetch. Dirty is fetching plus a receipt that came after the
/// fetch began, so exactly one more fetch is owed (S3).
enum class Stage : std::uint8_t { idle, queued, waiting, fetching, dirty };

/// Stable while the entry lives.
using EntryIndex = std::uint32_t;
inline constexpr EntryIndex no_entry = 0xffffffff;

struct Entry {
  ObjectId id = 0;
  Timestamp last_receipt{};
  Sequence position = 0;  // record that makes the newest unserved receipt durable

  EntryIndex served_after = no_entry, served_before = no_entry;  // neighbours in the unserved list

  std::uint32_t ticket = 0;    // the valid one of this id's places in the ready lists
  std::uint16_t attempts = 0;  // failed fetches since the last answer
  Stage stage = Stage::idle;
  std::uint8_t storing = 0;    // outcomes on their way into the store
  std::uint8_t touching = 0;   // chunks of touches that hold this id
  bool touch_waiting = false;  // one of them has not been sent yet
  bool row_missing = false;    // the last touch found no row; another one follows
  bool carrying = false;       // a record that carries this id forward is on its way
  bool in_expiry = false;      // some bucket of the expiry schedule holds it
  bool in_unserved = false;
};

/// Ids by value, and the list of unserved ids in the order of their positions.
///
/// An id is unserved while a fetch is owed to it or an outcome of it is not committed. New receipts
/// move it to the end of the list: replaying the newest receipt alone serves all before it, so the
/// queue has to keep nothing older than the head of this list.
class Ledger {
 public:
  /// `seed` keys the hash, so that senders cannot choose colliding ids.
  explicit Ledger(std::uint64_t seed);

  EntryIndex find(ObjectId id) const;
  EntryIndex find_or_add(ObjectId id);
  void erase(EntryIndex index);

  Entry& operator[](EntryIndex index) { return chunks_[index >> chunk_bits][index & chunk_mask]; }
  const Entry& operator[](EntryIndex index) const {
    return chunks_[index >> chunk_bits][index & chunk_mask];
  }

  std::size_t size() const { return size_; }

  /// Puts the id into the unserved list: at its end, unless `position` is below the list's last,
  /// which is rare, and walks from the head.
  void set_unserved(EntryIndex index, Sequence position);
  void set_served(EntryIndex index);
  EntryIndex first_unserved() const { return first_unserved_; }
  EntryIndex next_unserved(EntryIndex index) const { return (*this)[index].served_after; }
  std::size_t unserved() const { return unserved_; }

 private:
  static constexpr unsigned chunk_bits = 12;
  static constexpr EntryIndex chunk_mask = (1u << chunk_bits) - 1;

  std::size_t home(ObjectId id) const;
  std::size_t slot_of(ObjectId id) const;  // where it is, or the empty slot where it would go
  void grow();
  void link(EntryIndex index, Sequence position, EntryIndex before);
  void unlink(EntryIndex index);

  std::uint64_t seed_;
  std::vector<EntryIndex> slots_;  // open addressing, linear probing, a power of two in size
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  std::vector<EntryIndex> free_;
  EntryIndex entries_end_ = 0;
  std::size_t size_ = 0;
  EntryIndex first_unserved_ = no_entry;
  EntryIndex last_unserved_ = no_entry;
  std::size_t unserved_ = 0;
};

}  // namespace postoffice::core
