// Appends on their way to the disk: their records, what a reader will get, and who waits.
#pragma once

#include <cstring>
#include <vector>

#include "journal/format.hpp"
#include "postoffice/queue.hpp"

namespace postoffice::journal {

/// `bytes` holds the records as they will be on the disk, except for the checksums and sequences in
/// their headers. These depend on the segment, and are filled in when it is known. There is room
/// for a batch header before the first record.
struct BatchBuffer {
  std::vector<std::byte> bytes = std::vector<std::byte>(batch_header_size);
  std::vector<RecordHeader> headers;
  std::vector<std::size_t> offsets;  ///< of the records in `bytes`
  std::vector<QueuedCallback> entries;
  std::vector<ObjectId> ids;
  std::vector<Queue::AppendDone> waiters;
  Timestamp newest{};  ///< given out when the last record was stamped

  bool empty() const { return entries.empty(); }
  std::size_t count() const { return entries.size(); }
  std::size_t end_of(std::size_t record) const {
    return record + 1 < offsets.size() ? offsets[record + 1] : bytes.size();
  }

  void add(const RecordHeader& header, Bytes payload, QueuedCallback entry,
           std::span<const ObjectId> entry_ids, Queue::AppendDone done) {
    offsets.push_back(bytes.size());
    bytes.resize(bytes.size() + header.size());
    if (!payload.empty()) {
      std::memcpy(bytes.data() + offsets.back() + record_header_size, payload.data(),
                  payload.size());
    }
    headers.push_back(header);
    entry.ids_begin = static_cast<std::uint32_t>(ids.size());
    ids.insert(ids.end(), entry_ids.begin(), entry_ids.end());
    entry.ids_end = static_cast<std::uint32_t>(ids.size());
    entries.push_back(entry);
    waiters.push_back(std::move(done));
  }

  /// What a reader gets of all records. As much room is reserved for the next ones, since appends
  /// would pay for growing step by step.
  Delivery take_readable() {
    const auto entries_before = entries.size();
    const auto ids_before = ids.size();
    Delivery readable{std::move(entries), std::move(ids)};
    entries = {};
    ids = {};
    entries.reserve(entries_before);
    ids.reserve(ids_before);
    return readable;
  }

  void clear() {
    bytes.assign(batch_header_size, std::byte{0});
    headers.clear();
    offsets.clear();
    entries.clear();
    ids.clear();
    waiters.clear();
  }
};

}  // namespace postoffice::journal
