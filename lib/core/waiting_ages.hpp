// How long ids have been waiting for one thing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Counts waiting ids by the time since when they wait, to a quarter of a second. Adding and
/// removing one costs a few instructions: what waits is mostly of the last minute, which has an
/// array. What is older stands in a map.
class WaitingAges {
 public:
  void add(Timestamp since);
  void remove(Timestamp since);

  /// The one that has waited longest; up to a quarter of a second later than the truth. max: none.
  Timestamp oldest();

  std::size_t size() const { return size_; }

 private:
  using Quarter = std::int64_t;  // the number of a quarter of a second
  struct Slot {
    Quarter quarter = 0;
    std::uint64_t count = 0;
  };
  static constexpr int quarter_bits = 18;  // of a time in microseconds: 0.26 s
  static constexpr std::size_t slots_max = 256;

  static Quarter quarter_of(Timestamp time) {
    return time.time_since_epoch().count() >> quarter_bits;
  }
  Slot& slot_of(Quarter quarter) { return slots_[static_cast<std::uint64_t>(quarter) % slots_max]; }
  void make_room(Slot& slot, Quarter quarter);
  Quarter first_in_slots();

  std::array<Slot, slots_max> slots_{};
  std::map<Quarter, std::uint64_t> rest_;
  std::size_t size_ = 0;
  std::uint64_t in_slots_ = 0;
  // Of those in slots: none is before or behind these.
  Quarter first_ = 0;
  Quarter last_ = 0;
};

}  // namespace postoffice::core
