// Receipts of ids for which there is no room among those that are being worked on.
#pragma once

#include <cassert>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "postoffice/object_store.hpp"
#include "postoffice/types.hpp"

namespace postoffice::core {

/// Eight bytes an id, and a little for each record: its place in the queue, which keeps the ids,
/// and how many of them have been touched. The ledger need not know the ids that are here.
///
/// Invariants:
///  - Receipts leave newest first. So an id never gets a row from an older receipt while a newer
///    one of it is still here. (That row would be deleted too early: the touch of the newer receipt
///    has already been made, and found no row.)
///  - While a receipt that has not been touched is here, hold() is not above it, and first() is not
///    above its record.
///  - Half of the touches are of the newest receipts, half of the oldest, so that neither waits for
///    the other.
class Backlog {
 public:
  struct Receipt {
    ObjectId id = 0;
    Timestamp received_at{};
    Sequence sequence = 0;
    bool touched = false;
  };
  struct Record {
    std::vector<ObjectId> ids;
    Timestamp received_at{};
    Sequence sequence = 0;
    bool empty() const { return ids.empty(); }
  };

  bool empty() const { return runs_.empty(); }
  std::size_t ids() const { return ids_; }
  /// Memory in use, in ids.
  std::size_t size() const { return ids_ + runs_.size() * ids_per_run; }

  /// Calls for the ids of one record come one after the other.
  void add(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  /// Adds a whole record that was touched before. `hold`: hold() stays at or below this until the
  /// record is touched once more; max: no need. `since`: when the record that keeps it came.
  void put_back(Record record, Timestamp hold, Timestamp since, Timestamp not_requeued_before = {});

  Timestamp oldest() const {
    assert(!empty());
    return runs_.begin()->first.received_at;
  }
  Timestamp newest() const {
    assert(!empty());
    return std::prev(runs_.end())->first.received_at;
  }
  /// The newest receipt. Must not be empty().
  Receipt take_newest();
  /// Drops what was received before `before` and has been touched, oldest first. Returns how many
  /// ids.
  std::size_t drop(Timestamp before);

  /// Touches to be made next, about `rows_max`, sorted and distinct; none while others are on their
  /// way, or when all is touched.
  std::vector<Touch> begin_touches(std::size_t rows_max);
  void end_touches();
  /// Touches have begun and not ended.
  bool touching() const { return !touching_.empty(); }

  /// The oldest record in the queue that keeps something here; max: none.
  Sequence first() const {
    return by_sequence_.empty() ? ~Sequence{0} : by_sequence_.begin()->first;
  }
  /// The oldest receipt that has not been touched.
  Timestamp hold() const { return holds_.empty() ? Timestamp::max() : *holds_.begin(); }
  /// Some receipt of exactly that record is here.
  bool holds(Sequence sequence) const {
    const auto place = by_sequence_.lower_bound({sequence, Key{Timestamp::min(), 0}});
    return place != by_sequence_.end() && place->first == sequence;
  }

  /// Takes out the touched record that is first in the queue, to be requeued, if it is at or before
  /// `target`, or has been here since before `since`; else returns an empty one.
  Record take_for_requeue(Sequence target, Timestamp since, Timestamp now);

 private:
  static constexpr std::size_t ids_per_run = 40;

  struct Key {
    Timestamp received_at{};
    std::uint64_t number = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Run {
    std::vector<ObjectId> ids;
    Sequence sequence = 0;
    Timestamp since{};  // here
    Timestamp hold{};
    Timestamp not_requeued_before{};  // the queue was full
    std::uint32_t touched = 0;        // ids from the front …
    std::uint32_t begun = 0;          // … and those whose touches have begun
  };
  using Runs = std::map<Key, Run>;
  struct Part {
    Key key;
    std::uint32_t end;
  };

  Runs::iterator open(Key key, Run run);
  void touched(Runs::iterator place);
  void erase(Runs::iterator place);
  void begin_part(Runs::iterator place, std::size_t rows_max, std::vector<Touch>& touches);

  Runs runs_;
  std::size_t ids_ = 0;
  std::uint64_t last_number_ = 0;
  Runs::iterator open_ = runs_.end();  // where add() goes on
  std::set<Key> untouched_;            // with touches not begun
  std::multiset<Timestamp> holds_;     // of runs with touches not committed
  std::set<std::pair<Sequence, Key>> by_sequence_;
  std::vector<Part> touching_;
  bool oldest_next_ = true;
};

}  // namespace postoffice::core
