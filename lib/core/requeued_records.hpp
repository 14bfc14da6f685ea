// Records that were put into the queue again and have not come back yet.
#pragma once

#include <cassert>
#include <iterator>
#include <map>
#include <optional>

#include "postoffice/types.hpp"

namespace postoffice::core {

/// Remembers a flag for each record. Records are appended many at a time and come back in the same
/// order. So those with the same flag are kept as one stretch, in a few bytes. Records that were
/// not requeued may lie between them, and nobody asks for these. But a record whose append failed
/// must not: it may be in the queue all the same, and must not be taken for one of these.
class RequeuedRecords {
 public:
  void add(Sequence record, bool overflow) {
    assert(record > 0);
    const auto after = stretches_.upper_bound(record);
    if (after != stretches_.begin()) {
      Stretch& before = std::prev(after)->second;
      if (record <= before.last) return;
      if (!failed_ && after == stretches_.end() && before.overflow == overflow) {
        before.last = record;
        return;
      }
    }
    failed_ = false;
    stretches_.emplace_hint(after, record, Stretch{record, overflow});
  }

  /// An append failed, after that of the record added last.
  void failed() { failed_ = true; }

  /// Removes the record and those before it in its stretch. Returns its flag; none if it is not
  /// here.
  std::optional<bool> remove(Sequence record) {
    const auto after = stretches_.upper_bound(record);
    if (after == stretches_.begin()) return {};
    const auto place = std::prev(after);
    const Stretch stretch = place->second;
    if (record > stretch.last) return {};
    stretches_.erase(place);
    if (record < stretch.last) stretches_.emplace_hint(after, record + 1, stretch);
    return stretch.overflow;
  }

  std::size_t stretches() const { return stretches_.size(); }

 private:
  struct Stretch {
    Sequence last;
    bool overflow;
  };
  std::map<Sequence, Stretch> stretches_;  // by their first records
  bool failed_ = false;
};

}  // namespace postoffice::core
