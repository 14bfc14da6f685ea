// Which id is fetched next.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ledger.hpp"
#include "core/ring.hpp"

namespace postoffice::core {

/// Ids that may be fetched now, in lines: first attempts, retries, and ids that failed and whose
/// last receipt is older than ttl (their answer can change nothing but the record of it, so they
/// come last, S3).
///
/// An id that has become older than ttl leaves the line at its turn, or at the front: it cannot
/// lead to a row any more (too_old()). But an id that was tried stays until it has had its tries
/// (S7).
///
/// First attempts come in the order of the line. When the line is more than a quarter of a second
/// behind, three of four come from its end: so new ids get most of the fetches at once, however
/// many wait before them, and the oldest one that waits gets the fourth.
///
/// Retries take up to a quarter of the slots while first attempts wait: ids that fail slowly cannot
/// crowd out the others (S7), nor the others them.
class ReadyQueue {
 public:
  /// `attempts_min`: the number of tries owed to an id that has been tried, however old it is.
  ReadyQueue(Ledger& ledger, Duration ttl, int attempts_min)
      : ledger_(ledger), ttl_(ttl), attempts_min_(attempts_min) {}

  /// Ids that are within a longer ttl again come before those that are not.
  void set_ttl(Duration ttl, Timestamp now);

  /// Puts the id in line; a place it had before becomes void. `waited`: newer ones are in line
  /// already, so its place is not at the end, but among those that came out of the backlog, which
  /// come newest first.
  void push(EntryIndex index, Timestamp now, bool waited = false);

  /// Which ids may come: all, those within ttl, or those of these that were never tried.
  enum class Among { all, live, new_ones };

  /// Takes the next id; no_entry if none waits. `retries_full`: retries have their share of slots.
  EntryIndex pop(Timestamp now, bool retries_full, Among among = Among::all);

  bool stale(EntryIndex index, Timestamp now) const {
    return ledger_[index].last_receipt + ttl_ < now;
  }

  /// Takes those out that have grown too old at the front of a line, whether or not one may pop.
  void drop_old(Timestamp now) {
    front_valid(first_, now);
    front_valid(waited_, now);
    front_valid(retries_, now);
  }
  /// Ids that have left so: idle again, and the caller's to end and to clear.
  std::vector<EntryIndex>& too_old() { return too_old_; }

  /// Ids in line that were never tried.
  std::size_t first_attempts() const { return first_size_; }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

 private:
  struct Place {
    EntryIndex index = no_entry;
    std::uint32_t ticket = 0;
  };
  using Line = Ring<Place>;

  bool owed_tries(EntryIndex index) const {
    const int attempts = ledger_[index].attempts;
    return attempts > 0 && attempts < attempts_min_;
  }
  bool valid(const Place& place) const { return ledger_[place.index].ticket == place.ticket; }
  bool front_valid(Line& line, Timestamp now);
  void went_stale(const Place& place);
  EntryIndex pop(Line& line);
  EntryIndex take_first(Timestamp now);
  void left(EntryIndex index);
  std::uint32_t new_ticket();

  Ledger& ledger_;
  Duration ttl_;
  int attempts_min_;
  Line first_, waited_, retries_, stale_;
  std::size_t size_ = 0;
  std::size_t first_size_ = 0;
  unsigned turn_ = 0;
  std::vector<EntryIndex> too_old_;
  std::uint32_t last_ticket_ = 0;
};

}  // namespace postoffice::core
