// Durable callbacks that wait, decoded, for a reader.
#pragma once

#include <deque>

#include "postoffice/queue.hpp"

namespace postoffice::journal {

class UnreadMemory {
 public:
  bool empty() const { return batches_.empty(); }
  std::size_t bytes() const { return bytes_; }
  static std::size_t bytes_of(const Delivery& batch);

  /// Appends its entries to those that are here.
  void push(Delivery batch);

  /// At least one callback, at most `ids_max` ids beyond that. Must not be empty().
  Delivery pop(std::size_t ids_max);

 private:
  struct Batch {
    Delivery content;
    std::size_t next = 0;  ///< the first entry that was not popped
  };

  void drop_first();

  std::deque<Batch> batches_;
  std::size_t bytes_ = 0;
};

/// Appends entries [from, to) of `source` with their ids.
void append_entries(Delivery& target, const std::vector<QueuedCallback>& entries,
                    const std::vector<ObjectId>& ids, std::size_t from, std::size_t to);

}  // namespace postoffice::journal
