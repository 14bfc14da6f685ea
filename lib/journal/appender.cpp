#include "journal/appender.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "codec/id_sort.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {

Appender::Appender(SharedState& state)
    : state_(state),
      record_size_max_(JournalWriter::record_size_max(state.env.options.segment_bytes)) {}

void Appender::append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                      Queue::AppendDone done) {
  // Kept, so that later appends allocate nothing.
  thread_local std::vector<ObjectId> space;
  thread_local std::vector<std::byte> payload;
  const auto sorted = codec::sort_ids(ids, space);
  payload.clear();
  codec::encode_ids(sorted, payload);
  RecordHeader header;
  header.payload_size = static_cast<std::uint32_t>(payload.size());
  header.payload_checksum = codec::crc32c(payload);
  header.type = carried_from ? RecordType::requeued : RecordType::callback;
  const bool too_large = payload.size() > payload_size_max || header.size() > record_size_max_;
  std::error_code refused = too_large ? make_error_code(Error::not_durable) : std::error_code{};
  bool wake = false;
  {
    const LockGuard lock(state_.mutex);
    if (!refused) refused = refusal();
    if (!refused) {
      const auto entry = stamp(carried_from);
      if (state_.open.empty()) state_.punctuality.append_waits(state_.env.now());
      header.received_at = entry.received_at;
      state_.open.add(header, payload, entry, sorted, std::move(done));
      state_.open.newest = state_.newest;
      wake = std::exchange(state_.flusher_waits, false);
    }
  }
  if (refused) return done(refused, {});
  if (wake) state_.flush_wanted.notify_one();
}

std::error_code Appender::refusal() const {
  if (state_.stopping) return Error::stopped;  // asked for by what the flusher completes last
  if (state_.broken) return state_.broken;
  if (state_.directory != DirectoryLock::State::held) return Error::storage_error;
  if (state_.open.bytes.size() > state_.env.options.buffer_bytes_max) return Error::not_durable;
  return {};
}

/// Under the mutex, so that times and sequences have the same order, and the frontier is exact.
QueuedCallback Appender::stamp(std::optional<Timestamp> carried_from) {
  if (!carried_from) (void)state_.tell_newest();
  QueuedCallback entry;
  entry.sequence = entry.receipt = ++state_.last_stamped;
  entry.received_at = carried_from.value_or(state_.newest);
  entry.carried = carried_from.has_value();
  assert(entry.sequence > state_.last_durable);
  if (!entry.carried) state_.progress.appended(entry.sequence, entry.received_at);
  return entry;
}

}  // namespace postoffice::journal
