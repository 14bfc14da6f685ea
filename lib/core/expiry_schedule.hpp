// Which ids have not been received for longer than ttl.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/ledger.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Ids in buckets by the time of their last receipt. A receipt does not move an id. When a bucket's
/// time has come, ids that were received again move to the bucket of their newest receipt. So an id
/// moves once per ttl, however often it is received.
class ExpirySchedule {
 public:
  static constexpr Duration bucket = std::chrono::milliseconds(250);

  explicit ExpirySchedule(Ledger& ledger) : ledger_(ledger) {}

  /// Watches the id, unless it is watched already.
  void add(EntryIndex index) {
    const Entry& entry = ledger_[index];
    if (!entry.in_expiry) place(entry.known, entry.last_receipt);
  }

  /// Takes out the ids whose last receipt is before `cutoff`, at most one bucket late. Ids that are
  /// still being touched or requeued are checked again a second later. The result is valid until
  /// the next call.
  const std::vector<KnownIndex>& take_expired(Timestamp cutoff);

  /// Stops watching the ids of the oldest bucket, and hands them over, as above.
  const std::vector<KnownIndex>& take_oldest();

  bool empty() const { return buckets_.empty(); }

 private:
  /// A piece of a bucket: an id costs four bytes in it, and is found without waiting for another.
  struct Block {
    static constexpr std::uint32_t size = 254;
    std::uint32_t next;
    std::uint32_t count;
    KnownIndex ids[size];
  };
  static constexpr std::uint32_t no_block = 0xffffffff;

  static std::int64_t tick(Timestamp time) {
    return time.time_since_epoch() / bucket;  // floors: times here are not negative
  }
  void place(KnownIndex index, Timestamp time);
  void set_in_expiry(KnownIndex index, bool in_expiry);
  std::uint32_t take_block(std::uint32_t next);
  void take_front();
  void look_at(KnownIndex index, Timestamp cutoff);

  Ledger& ledger_;
  std::map<std::int64_t, std::uint32_t> buckets_;  // the newest block of each
  std::vector<std::unique_ptr<Block>> blocks_;
  std::uint32_t free_ = no_block;
  std::vector<KnownIndex> front_;  // taken out of a bucket
  std::vector<KnownIndex> expired_;
};

}  // namespace postoffice::core
