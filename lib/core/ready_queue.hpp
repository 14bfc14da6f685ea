// Which id is fetched next.
#pragma once

#include <cstdint>

#include "core/ledger.hpp"
#include "core/ring.hpp"

namespace postoffice::core {

/// Ids that may be fetched now, in three lines: first attempts, retries, and ids whose last receipt
/// is older than ttl (their answer can change nothing but the record of it, so they come last, S3).
///
/// Retries take up to a quarter of the slots while first attempts wait: ids that fail slowly cannot
/// crowd out the others (S7), nor the others them.
class ReadyQueue {
 public:
  ReadyQueue(Ledger& ledger, Duration ttl) : ledger_(ledger), ttl_(ttl) {}

  /// Puts the id in line; a place it had before becomes void.
  void push(EntryIndex index, Timestamp now);

  /// Who may come: everybody, ids within ttl only, or those of them that were never tried.
  enum class Among { all, live, new_ones };

  /// Takes the next id; no_entry if none waits. `retries_full`: retries have their share of slots.
  EntryIndex pop(Timestamp now, bool retries_full, Among among = Among::all);

  bool stale(EntryIndex index, Timestamp now) const {
    return ledger_[index].last_receipt + ttl_ < now;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

 private:
  struct Place {
    EntryIndex index = no_entry;
    std::uint32_t ticket = 0;
  };
  using Line = Ring<Place>;

  bool front_valid(Line& line, Timestamp now);
  EntryIndex take(Line& line);
  std::uint32_t new_ticket();

  Ledger& ledger_;
  Duration ttl_;
  Line first_, retries_, stale_;
  std::size_t size_ = 0;
  std::uint32_t last_ticket_ = 0;
};

}  // namespace postoffice::core
