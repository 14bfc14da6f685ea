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

/// Eight bytes an id, and what little is common to all of one record: its place in the queue, which
/// keeps them, and how many of them have been touched. Of an id that is here the ledger need know
/// nothing.
///
/// Invariants:
///  - Receipts leave newest first: so an id never gets a row by an older receipt than one of it
///    that is still here. (Else that row would go too early: the newer receipt's touch, which found
///    no row, is done.)
///  - While a receipt is here that has not been touched, hold() is not above it, and first() is not
///    above its record.
///  - Half of the touches go to the newest receipts, half to the oldest: neither waits for the
///    other, whatever comes.
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

  /// Calls for ids of one record follow each other.
  void add(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now);
  /// A whole record, touched before. `hold`: until it is touched once more, hold() is not above;
  /// max: it need not be. `since`: when the record that keeps it came.
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
  /// Drops what was received before `before` and has been touched, oldest first. How many ids.
  std::size_t drop(Timestamp before);

  /// Touches to be made next, about `rows_max`, sorted and distinct; none while others are on their
  /// way, or when all is touched.
  std::vector<Touch> begin_touches(std::size_t rows_max);
  void end_touches();
  /// Some have begun and not ended.
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

  /// Takes out the touched record that stands first in the queue, to be requeued, if that is at or
  /// before `target`, or it has been here since before `since`; else an empty one.
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
