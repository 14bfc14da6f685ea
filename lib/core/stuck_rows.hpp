// Rows that the store refuses while it takes others, or that somebody has locked.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/outcome.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::core {

/// Such a row is tried again by itself, with growing pauses, so that it costs the others next to
/// nothing. Until then, what is to be written to it, or that it is to be deleted, is kept here.
///
/// Invariant: a row that is here is in no transaction except the one that tries it again.
class StuckRows {
 public:
  struct Row {
    std::string code;
    std::string reason;
    bool locked = false;
    bool under_way = false;
    int attempts = 0;  // refused so often
    Timestamp since{};
    Timestamp due{};

    // Of a row that is to be written.
    EntryIndex index = no_entry;
    bool touch = false;  // its receipt is not on the row yet
    bool has_outcome = false;
    Outcome outcome{};
  };

  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }
  Row* find(ObjectId id) {
    const auto place = rows_.find(id);
    return place == rows_.end() ? nullptr : &place->second;
  }

  /// Of a row that is here.
  Row& at(ObjectId id) {
    Row* row = find(id);
    assert(row != nullptr);
    return *row;
  }

  /// The row was refused, for the first time or once more. The reference is good until it leaves.
  Row& refused(const Refusal& refusal, Timestamp now);
  /// It could not be tried.
  void postpone(ObjectId id, Timestamp now);
  void erase(ObjectId id);

  /// Rows to be tried now, at most `limit`, by rising id. Each is to be followed by refused(),
  /// postpone() or erase(); until then no others are due.
  std::vector<ObjectId> take_due(Timestamp now, std::size_t limit);
  bool under_way() const { return under_way_ > 0; }

  Timestamp next_wake_at() const { return under_way() ? Timestamp::max() : next_; }
  Timestamp oldest() const { return by_age_.empty() ? Timestamp::max() : by_age_.begin()->first; }

  /// Names the oldest ones.
  void name_some(std::vector<StuckRow>& named, std::size_t limit, bool deleting) const;

 private:
  void arrived(Row& row, Timestamp due);

  std::map<ObjectId, Row> rows_;
  std::set<std::pair<Timestamp, ObjectId>> by_age_;
  std::size_t under_way_ = 0;
  Timestamp next_ = Timestamp::max();  // nothing is due before
};

}  // namespace postoffice::core
