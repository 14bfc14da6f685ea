// Group commit: the flusher thread of a journal queue.
#include <algorithm>
#include <cerrno>

#include "journal/journal_queue.hpp"
#include "planted_bug.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

constexpr auto backoff_first = std::chrono::milliseconds(100);
constexpr auto backoff_last = std::chrono::seconds(5);

std::error_code to_error(std::error_code error) {
  const bool full = error == std::errc::no_space_on_device || error == std::errc::file_too_large ||
                    error == std::error_code(EDQUOT, std::system_category());
  return full ? Error::storage_full : Error::storage_error;
}

std::chrono::milliseconds backoff_after(int failures) {
  const auto doubled = backoff_first * (1 << std::clamp(failures - 2, 0, 10));
  return std::min<std::chrono::milliseconds>(doubled, backoff_last);
}

}  // namespace

JournalQueue::Next JournalQueue::flush_step(Lock& lock) {
  if (stopping_ && open_.empty()) return {Next::What::end};
  if (broken_ && !stopping_ && workers_.now() < next_attempt_) {
    return {Next::What::sleep, next_attempt_};
  }
  if (broken_ && !stopping_ && planted(PlantedBug::broken_for_ever)) return {Next::What::sleep};
  if (leave_spoilt_segment(lock)) return {};
  if (broken_)
    probe(lock);
  else if (!open_.empty())
    flush(lock);
  else
    return {Next::What::sleep};
  return {};
}

/// Takes what has been appended while the last flush was under way. There is no timer: the disk
/// sets the pace.
void JournalQueue::flush(Lock& lock) {
  std::swap(open_, flushing_);
  flushing_since_ = std::exchange(open_since_, {});
  lock.unlock();
  for (std::size_t from = 0; from < flushing_.count();) {
    const auto begun = workers_.now();
    const auto written = writer_.write(flushing_, from);
    if (written.error) {
      fail_flush(from, written.error);
      break;
    }
    if (options_.flush_delay.count() > 0) std::this_thread::sleep_for(options_.flush_delay);
    const auto took = workers_.now() - begun;
    publish(written, from, std::chrono::duration_cast<std::chrono::microseconds>(took));
    complete(from, written.next, {});
    make_readable(written, from);
    deliver();
    from = written.next;
  }
  flushing_.clear();
  lock.lock();
  flushing_since_.reset();
}

/// What was written is on stable storage; nobody has been told yet.
void JournalQueue::publish(const JournalWriter::Written& written, std::size_t from,
                           std::chrono::microseconds took) {
  const std::lock_guard lock(mutex_);
  failures_in_a_row_ = 0;
  flush_ended(true);
  last_durable_ = flushing_.entries[written.next - 1].sequence;
  for (auto i = from; i < written.next; ++i) {
    const auto& entry = flushing_.entries[i];
    if (entry.carried) continue;
    ++accepted_callbacks_;
    accepted_ids_ += entry.ids_end - entry.ids_begin;
  }
  ++flush_status_.flushes;
  flush_status_.flushed_bytes += written.bytes;
  flush_status_.last_flush = took;
}

/// The only place that acknowledges: whoever comes here without an error comes from a successful
/// sync.
void JournalQueue::complete(std::size_t from, std::size_t to, std::error_code error) {
  for (auto i = from; i < to; ++i) {
    const auto& entry = flushing_.entries[i];
    auto done = std::move(flushing_.waiters[i]);
    if (error)
      done(error, {});
    else
      done({}, {queue_, entry.sequence, entry.received_at});
  }
}

void JournalQueue::make_readable(const JournalWriter::Written& written, std::size_t from) {
  Delivery batch;
  const bool whole = from == 0 && written.next == flushing_.count();
  if (whole) {
    batch = flushing_.take_readable();
  } else {
    append_entries(batch, flushing_.entries, flushing_.ids, from, written.next);
  }
  const auto last = batch.entries.back().sequence;
  const std::lock_guard lock(mutex_);
  note_segment();
  if (behind_) return;
  if (memory_.bytes() + UnreadMemory::bytes_of(batch) > options_.memory_bytes_max) {
    behind_ = true;
    backlog_.seek(active_number_, written.begin, in_memory_);
    backlog_wanted_.notify_one();
    return;
  }
  in_memory_ = last;
  memory_.push(std::move(batch));
}

/// Brings what the others know of the newest segment up to date.
void JournalQueue::note_segment() {
  active_number_ = writer_.active().header.number;
  active_file_ = writer_.file();
  next_number_ = writer_.next_number();
  const auto& newest = writer_.newest();
  const auto number = newest.header.number;
  if (number == 0) return;
  if (!segments_.empty() && segments_.back().header.number == number) {
    segments_.back() = newest;
  } else if (number > noted_number_) {  // else it has been trimmed already
    segments_.push_back(newest);
    maintenance_wanted_.notify_one();
  }
  noted_number_ = number;
}

void JournalQueue::fail_flush(std::size_t from, std::error_code error) {
  {
    const std::lock_guard lock(mutex_);
    if (!planted(PlantedBug::failed_flush_waited_for)) {
      burn(flushing_.entries[from].sequence, flushing_.entries.back().sequence);
    }
    note_segment();
    set_broken(error);
  }
  say(LogLevel::error, "a flush failed, the segment is left alone: " + error.message());
  complete(from, flushing_.count(), to_error(error));
}

/// A failure may be the segment's alone, so the next attempt follows at once, in a new one. Then
/// they become rarer.
void JournalQueue::set_broken(std::error_code error) {
  broken_ = true;
  broken_error_ = to_error(error);
  ++flush_status_.failures;
  const auto now = workers_.now();
  next_attempt_ = ++failures_in_a_row_ == 1 ? now : now + backoff_after(failures_in_a_row_);
}

/// Tries whether a segment can be made. Appends are refused until that works.
void JournalQueue::probe(Lock& lock) {
  const auto first = open_.empty() ? last_stamped_ + 1 : open_.entries.front().sequence;
  const auto newest = newest_;
  flushing_since_ = workers_.now();
  lock.unlock();
  const auto error = writer_.probe(first, newest);
  lock.lock();
  note_segment();
  flush_ended(!error);
  flushing_since_.reset();
  if (!error) {
    broken_ = false;
    return;
  }
  const bool first_time = failures_in_a_row_ == 1;
  set_broken(error);
  std::swap(open_, flushing_);
  open_since_.reset();
  if (!flushing_.empty()) {
    burn(flushing_.entries.front().sequence, flushing_.entries.back().sequence);
  }
  lock.unlock();
  if (first_time) say(LogLevel::error, "no segment can be made: " + error.message());
  complete(0, flushing_.count(), to_error(error));
  flushing_.clear();
  lock.lock();
}

void JournalQueue::burn(Sequence first, Sequence last) {
  const auto at = std::find_if(burned_.begin(), burned_.end(),
                               [&](const Burned& other) { return other.first > first; });
  burned_.insert(at, {first, last});
  settle();
}

}  // namespace postoffice::journal
