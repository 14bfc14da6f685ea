#include "journal/unread_memory.hpp"

#include <cassert>
#include <utility>

namespace postoffice::journal {

std::size_t UnreadMemory::bytes_of(const Delivery& batch) {
  return batch.entries.size() * sizeof(QueuedCallback) + batch.ids.size() * sizeof(ObjectId);
}

void UnreadMemory::push(Delivery batch) {
  if (batch.entries.empty()) return;
  assert(batches_.empty() ||
         batches_.back().content.entries.back().sequence < batch.entries.front().sequence);
  bytes_ += bytes_of(batch);
  batches_.push_back({std::move(batch), 0});
}

Delivery UnreadMemory::pop(std::size_t ids_max) {
  assert(!batches_.empty());
  auto& first = batches_.front();
  Delivery delivery;
  if (first.next == 0 && first.content.ids.size() <= ids_max) {
    assert(bytes_ >= bytes_of(first.content));
    bytes_ -= bytes_of(first.content);
    delivery = std::move(first.content);
    batches_.pop_front();
  }
  while (!batches_.empty()) {
    auto& [content, next] = batches_.front();
    const auto& entries = content.entries;
    auto to = next;
    std::size_t ids = delivery.ids.size();
    while (to < entries.size()) {
      ids += entries[to].ids_end - entries[to].ids_begin;
      const bool first_of_all = delivery.entries.empty() && to == next;
      if (ids > ids_max && !first_of_all) break;
      ++to;
    }
    append_entries(delivery, entries, content.ids, next, to);
    next = to;
    if (to < entries.size()) break;
    drop_first();
  }
  return delivery;
}

void UnreadMemory::drop_first() {
  assert(bytes_ >= bytes_of(batches_.front().content));
  bytes_ -= bytes_of(batches_.front().content);
  batches_.pop_front();
}

void append_entries(Delivery& target, const std::vector<QueuedCallback>& entries,
                    const std::vector<ObjectId>& ids, std::size_t from, std::size_t to) {
  if (from == to) return;
  const auto begin = entries[from].ids_begin;
  const auto moved = static_cast<std::uint32_t>(target.ids.size()) - begin;  // may wrap; adds up
  target.ids.insert(target.ids.end(), ids.begin() + begin, ids.begin() + entries[to - 1].ids_end);
  for (std::size_t i = from; i < to; ++i) {
    auto entry = entries[i];
    entry.ids_begin += moved;
    entry.ids_end += moved;
    target.entries.push_back(entry);
  }
}

}  // namespace postoffice::journal
