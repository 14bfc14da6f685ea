// Ids that have expired by this queue's watermark, but not yet by those of the others.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

class ExpireBacklog {
 public:
  /// Beyond this a scan is cheaper than a list.
  static constexpr std::size_t ids_max = 1'000'000;

  /// Further behind than this, the others are not merely late with a beat.
  static constexpr Duration lag_min = std::chrono::seconds(2);

  /// What to delete when all have reached `reached`: what `expiry` asks for, if that is not too
  /// early, and what waited. All rows, once, when the others have caught up.
  Expiry due(const Expiry& expiry, Timestamp reached) const {
    Expiry due = expiry;
    if (reached < expiry.cutoff) due.ids.clear();
    for (const Batch& batch : batches_) {
      if (batch.cutoff > reached) break;
      due.ids.insert(due.ids.end(), batch.ids.begin(), batch.ids.end());
    }
    std::sort(due.ids.begin(), due.ids.end());
    due.ids.erase(std::unique(due.ids.begin(), due.ids.end()), due.ids.end());
    due.scan = expiry.scan || (lagging_ && expiry.cutoff - reached <= lag_min);
    return due;
  }

  /// Call it when that was done. What was too early waits.
  void done(Expiry expiry, Timestamp reached) {
    while (!batches_.empty() && batches_.front().cutoff <= reached) {
      assert(size_ >= batches_.front().ids.size());
      size_ -= batches_.front().ids.size();
      batches_.pop_front();
    }
    lagging_ = expiry.cutoff - reached > lag_min;
    const bool early = reached < expiry.cutoff && !expiry.ids.empty();
    if (!early || size_ + expiry.ids.size() > ids_max) return;
    size_ += expiry.ids.size();
    batches_.push_back({expiry.cutoff, std::move(expiry.ids)});
  }

  std::size_t size() const { return size_; }

 private:
  struct Batch {
    Timestamp cutoff;
    std::vector<ObjectId> ids;
  };

  std::deque<Batch> batches_;  // in the order of their cutoffs, or nearly so
  std::size_t size_ = 0;
  bool lagging_ = false;
};

}  // namespace postoffice::postgres
