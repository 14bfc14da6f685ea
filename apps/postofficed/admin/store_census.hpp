// How many rows and dead letters there are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "postoffice/clock.hpp"
#include "postoffice/object_reader.hpp"

namespace postofficed {

struct StoreCounts {
  std::uint64_t online = 0;
  std::uint64_t offline = 0;
  std::uint64_t dead_letters = 0;
  postoffice::Timestamp letters_at{};  ///< when counting the dead letters began
};

/// Counts them again and again, in pieces of rows next to each other. After each piece it rests for
/// fifty times as long as the piece took: so whatever the size of the tables, and whatever else the
/// database does, it takes a fiftieth of one reading connection, and other readers wait for a piece
/// at most. A small table is counted every five seconds, a million rows take about half a minute.
///
/// The pieces are of different moments, so the sum is as exact as the tables are quiet.
///
/// Lifetime: clock and store must outlive this; what comes from them later is dropped.
class StoreCensus {
 public:
  /// `wanted` is asked before each piece; while it says no, nothing is counted and nothing known.
  StoreCensus(postoffice::Clock& clock, postoffice::ObjectReader& store,
              std::function<bool()> wanted);

  /// The newest that is complete. Any thread.
  std::optional<StoreCounts> counts() const;

 private:
  class Walk;
  std::shared_ptr<Walk> walk_;
};

}  // namespace postofficed
