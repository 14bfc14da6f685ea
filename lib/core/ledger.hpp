// Every id in memory: what was received for it last, and what is still owed to it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/intrusive_list.hpp"
#include "core/known_ids.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Where an id stands on its way to a fetch. Dirty is fetching plus a receipt that came after the
/// fetch began, so exactly one more fetch is owed (S3).
enum class Stage : std::uint8_t { idle, queued, waiting, fetching, dirty };

/// What is being done about an id: one cache line. An *idle* id, about which nothing is being done,
/// has no entry (Known).
struct alignas(64) Entry {
  ObjectId id = 0;
  Timestamp last_receipt{};
  Timestamp owed_since{};  // the oldest receipt that is owed a fetch that has not begun
  Sequence position = 0;   // record that makes the newest unserved receipt durable

  ListLinks<EntryIndex> unserved;  // in the list of unserved ids, or not

  KnownIndex known = not_known;  // the id's own record; none: nobody uses this entry
  std::uint32_t ticket = 0;      // the valid one of this id's places in the ready lists
  std::uint32_t outcome = 0;     // where its outcome waits, if one does
  std::uint16_t attempts = 0;    // failed fetches since the last answer
  Stage stage = Stage::idle;
  std::uint8_t storing = 0;          // outcomes on their way into the store
  std::uint8_t touching = 0;         // chunks of touches that hold this id
  std::uint8_t touch_waiting = 0;    // … and have not been sent yet
  bool in_expiry = false;            // some bucket of the expiry schedule holds it
  bool outcome_waiting : 1 = false;  // one outcome has not been sent yet
  bool row_missing : 1 = false;      // the last touch found no row; another one follows
  bool requeueing : 1 = false;       // this id is being appended to the queue once more
  bool stuck : 1 = false;            // the store refuses its row (StuckRows); counts in `touching`

  EntryIndex next_free = no_entry;  // while nobody uses this entry

  /// A fetch is owed to the id, or an outcome of it is not committed.
  bool in_unserved() const { return unserved.linked(); }
};

static_assert(sizeof(Entry) == 64);

/// Nothing refers to the entry any more: its id is only known.
inline bool unused(const Entry& entry) {
  return !entry.in_unserved() && entry.touching == 0 && !entry.requeueing &&
         entry.stage == Stage::idle && entry.storing == 0;
}

/// Ids by value, and the list of unserved ids in the order of their positions.
///
/// An id is unserved while a fetch is owed to it or an outcome of it is not committed. New receipts
/// move it to the end of the list: replaying the newest receipt alone serves all before it, so the
/// queue has to keep nothing older than the head of this list.
class Ledger {
 public:
  /// `seed` keys the hash, so that senders cannot choose colliding ids.
  explicit Ledger(std::uint64_t seed) : known_(seed) {}

  /// The id's entry; no_entry if the id is not known, or idle.
  EntryIndex find(ObjectId id) const;
  /// The same, but an idle id gets an entry. To be followed by release_if_unused().
  EntryIndex recall(ObjectId id);
  EntryIndex find_or_add(ObjectId id);

  /// Releases the entry if nothing refers to it; the id is then idle and stays known. False if the
  /// entry was not released, or had been before.
  bool release_if_unused(EntryIndex index);
  bool active(EntryIndex index) const { return (*this)[index].known != not_known; }

  /// The id is not known any more, and its entry is void.
  void erase(EntryIndex index);
  /// The same for an idle id.
  void forget(KnownIndex index);

  Entry& operator[](EntryIndex index) {
    return blocks_[place_of(index) >> block_bits][place_of(index) & block_mask];
  }
  const Entry& operator[](EntryIndex index) const {
    return blocks_[place_of(index) >> block_bits][place_of(index) & block_mask];
  }
  Known& known(KnownIndex index) { return known_[index]; }
  std::size_t size() const { return known_.size(); }
  std::size_t active() const { return active_; }

  /// How many ids prepare() takes at once.
  static constexpr std::size_t lookahead = 32;
  /// Prefetches the memory of the first ids of `ids`: waiting for all of it at once takes little
  /// longer than waiting for one. Changes nothing else.
  void prepare(std::span<const ObjectId> ids) const;
  void prefetch(EntryIndex index) const { __builtin_prefetch(&(*this)[index]); }

  /// Puts the id into the unserved list: at its end, unless `position` is below the list's last,
  /// which is rare, and walks from the head.
  void set_unserved(EntryIndex index, Sequence position);
  void set_served(EntryIndex index);
  EntryIndex first_unserved() const { return unserved_.first(); }
  EntryIndex next_unserved(EntryIndex index) const { return unserved_.after(*this, index); }
  std::size_t unserved() const { return unserved_.size(); }

 private:
  static constexpr unsigned block_bits = 10;
  static constexpr std::uint32_t block_mask = (1u << block_bits) - 1;

  EntryIndex activate(KnownIndex known);
  EntryIndex new_entry();
  void free(EntryIndex index);

  KnownIds known_;
  std::vector<std::unique_ptr<Entry[]>> blocks_;
  std::uint32_t end_ = 0;       // of the entries used so far
  EntryIndex free_ = no_entry;  // the first of those that are free again
  std::size_t active_ = 0;
  IntrusiveList<EntryIndex, Entry, &Entry::unserved> unserved_;  // by rising positions
};

}  // namespace postoffice::core
