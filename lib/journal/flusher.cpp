#include "journal/flusher.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <thread>

#include "base/backoff.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

constexpr Backoff<std::chrono::milliseconds> backoff(std::chrono::milliseconds(100),
                                                     std::chrono::seconds(5));

WriterStart writer_start(const Recovered& recovered) {
  WriterStart start;
  start.queue = recovered.queue;
  start.epoch = recovered.epoch;
  start.next_number = recovered.next_number;
  start.previous_last = recovered.last;
  if (!recovered.segments.empty()) {
    start.previous_number = recovered.segments.back().header.number;
    start.previous_end = recovered.segments.back().end;
  }
  return start;
}

std::error_code to_error(std::error_code error) {
  const bool full = error == std::errc::no_space_on_device || error == std::errc::file_too_large ||
                    error == std::error_code(EDQUOT, std::system_category());
  return full ? Error::storage_full : Error::storage_error;
}

}  // namespace

Flusher::Flusher(SharedState& state, const Recovered& recovered, Reader& reader)
    : QueueThread(state, state.flush_wanted),
      reader_(reader),
      writer_(state.env.storage, state.pool, writer_start(recovered)) {}

QueueThread::Next Flusher::work() {
  state_.flusher_waits = false;
  const auto next = next_thing();
  state_.flusher_waits = next.what == Next::What::sleep;
  return next;
}

QueueThread::Next Flusher::next_thing() {
  const bool stopping = state_.stopping;
  if (stopping && state_.open.empty()) return {Next::What::end};
  if (state_.broken && !stopping && state_.env.now() < next_attempt_) {
    return {Next::What::sleep, next_attempt_};
  }
  if (leave_spoilt_segment()) return {};
  if (state_.broken)
    probe();
  else if (!state_.open.empty())
    flush();
  else
    return {Next::What::sleep};
  return {};
}

/// Takes what was appended during the last flush.
void Flusher::flush() {
  assert(flushing_.empty());
  std::swap(state_.open, flushing_);
  state_.punctuality.flush_begins();
  {
    const Unlocked unlocked(state_.mutex);
    write_all_of_it();
    flushing_.clear();
  }
  state_.punctuality.flusher_rests();
}

void Flusher::write_all_of_it() {
  const auto& env = state_.env;
  for (std::size_t from = 0; from < flushing_.count();) {
    const auto begun = env.now();
    const auto written = writer_.write(flushing_, from);
    if (written.error) return fail_flush(from, written.error);
    assert(written.next > from);
    if (env.flush_delay.count() > 0) std::this_thread::sleep_for(env.flush_delay);
    publish(written, from, begun);
    complete(from, written.next, {});
    make_readable(written, from);
    reader_.deliver();
    from = written.next;
  }
}

/// The batch is on stable storage; no sender has been told yet.
void Flusher::publish(const JournalWriter::Written& written, std::size_t from, SteadyTime begun) {
  const auto now = state_.env.now();
  const LockGuard lock(state_.mutex);
  failures_in_a_row_ = 0;
  state_.punctuality.flush_ended(true, now);
  const auto last = flushing_.entries[written.next - 1].sequence;
  assert(last > state_.last_durable);
  state_.last_durable = last;
  for (auto i = from; i < written.next; ++i) {
    const auto& entry = flushing_.entries[i];
    if (entry.carried) continue;
    ++state_.accepted_callbacks;
    state_.accepted_ids += entry.ids_end - entry.ids_begin;
  }
  auto& status = state_.flush_status;
  ++status.flushes;
  status.flushed_bytes += written.bytes;
  status.last_flush = std::chrono::duration_cast<std::chrono::microseconds>(now - begun);
  state_.flush_durations.add(now - begun);
}

/// The only place that answers senders: without an error, it is only reached after a successful
/// sync.
void Flusher::complete(std::size_t from, std::size_t to, std::error_code error) {
  for (auto i = from; i < to; ++i) {
    const auto& entry = flushing_.entries[i];
    auto done = std::move(flushing_.waiters[i]);
    if (error)
      done(error, {});
    else
      done({}, {state_.env.queue, entry.sequence, entry.received_at});
  }
}

void Flusher::make_readable(const JournalWriter::Written& written, std::size_t from) {
  Delivery batch;
  const bool whole = from == 0 && written.next == flushing_.count();
  if (whole) {
    batch = flushing_.take_readable();
  } else {
    append_entries(batch, flushing_.entries, flushing_.ids, from, written.next);
  }
  const auto last = batch.entries.back().sequence;
  const LockGuard lock(state_.mutex);
  state_.note_segment(writer_);
  if (state_.behind) return;
  const auto room = state_.env.options.memory_bytes_max;
  if (state_.memory.bytes() + UnreadMemory::bytes_of(batch) > room) {
    state_.behind = true;
    state_.backlog_start = {state_.segments.active_number(), written.begin, state_.in_memory};
    state_.backlog_wanted.notify_one();
    return;
  }
  assert(last > state_.in_memory);
  state_.in_memory = last;
  state_.memory.push(std::move(batch));
}

void Flusher::fail_flush(std::size_t from, std::error_code error) {
  {
    const LockGuard lock(state_.mutex);
    state_.progress.burn(flushing_.entries[from].sequence, flushing_.entries.back().sequence);
    state_.note_segment(writer_);
    set_broken(error);
  }
  state_.env.say(LogLevel::error,
                 "a flush failed, the segment is not used again: " + error.message());
  complete(from, flushing_.count(), to_error(error));
}

/// A failure may concern this segment only, so the next attempt follows at once, in a new one.
/// Later attempts have growing pauses.
void Flusher::set_broken(std::error_code error) {
  state_.broken = to_error(error);
  ++state_.flush_status.failures;
  const auto now = state_.env.now();
  next_attempt_ = ++failures_in_a_row_ == 1 ? now : now + backoff.after(failures_in_a_row_ - 2);
}

/// Tries whether a segment can be made. Appends are refused until that works.
void Flusher::probe() {
  assert(state_.broken && flushing_.empty());
  const auto first =
      state_.open.empty() ? state_.last_stamped + 1 : state_.open.entries.front().sequence;
  const auto newest = state_.newest;
  state_.punctuality.probe_begins(state_.env.now());
  std::error_code error;
  {
    const Unlocked unlocked(state_.mutex);
    error = writer_.probe(first, newest);
  }
  state_.note_segment(writer_);
  state_.punctuality.flush_ended(!error, state_.env.now());
  state_.punctuality.flusher_rests();
  if (error)
    refuse_open(error);
  else
    state_.broken.clear();
}

/// Fails what was appended before the failure and could not be flushed after it either.
void Flusher::refuse_open(std::error_code error) {
  const bool first_time = failures_in_a_row_ == 1;
  set_broken(error);
  std::swap(state_.open, flushing_);
  state_.punctuality.appends_refused();
  if (!flushing_.empty()) {
    state_.progress.burn(flushing_.entries.front().sequence, flushing_.entries.back().sequence);
  }
  const Unlocked unlocked(state_.mutex);
  if (first_time) {
    state_.env.say(LogLevel::error, "cannot make a segment: " + error.message());
  }
  complete(0, flushing_.count(), to_error(error));
  flushing_.clear();
}

/// The active segment cannot be used any longer, since it was removed, or shares its blocks with
/// another file. A new one begins with the next flush.
bool Flusher::leave_spoilt_segment() {
  const auto number = std::exchange(state_.spoilt_number, 0);
  if (number == 0 || number != state_.segments.active_number()) return false;
  const auto segment = writer_.active();
  auto& removed = state_.removed;
  const bool is_removed = removed.active_file == writer_.file();
  writer_.leave_segment();
  state_.note_segment(writer_);
  if (!is_removed) return true;
  removed.active = segment;
  removed.next_write_back = {};
  removed.missing.push_back(segment);
  state_.maintenance_wanted.notify_one();
  const Unlocked unlocked(state_.mutex);
  state_.env.say(LogLevel::error, segment.name +
                                      " was removed while this process runs: a new file is begun, "
                                      "and its content is written again");
  return true;
}

}  // namespace postoffice::journal
