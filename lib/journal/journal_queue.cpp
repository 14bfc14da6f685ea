#include "journal/journal_queue.hpp"

#include <algorithm>
#include <cassert>

#include "base/thread.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

constexpr std::uint64_t segment_bytes_min = 16 << 10;
constexpr std::uint64_t segment_bytes_limit = 1ull << 32;  // offsets inside are 32 bits here

constexpr Worker all_workers[] = {Worker::flusher, Worker::backlog, Worker::maintainer,
                                  Worker::watcher};

const char* name_of(Worker worker) {
  switch (worker) {
    case Worker::flusher: return "queue-flusher";
    case Worker::backlog: return "queue-backlog";
    case Worker::watcher: return "queue-watcher";
    case Worker::maintainer: break;
  }
  return "queue-maintain";
}

/// The option that cannot work, and what it must be; empty if they all can.
std::string what_cannot_work(const FileQueueOptions& options) {
  if (options.directory.empty()) return "directory must not be empty";
  if (options.segment_bytes < segment_bytes_min || options.segment_bytes >= segment_bytes_limit) {
    return "segment_bytes must be at least 16 KiB and less than 4 GiB";
  }
  if (options.bytes_max != 0 && options.bytes_max < 2 * options.segment_bytes) {
    return "bytes_max must be 0 or at least two segments";
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<JournalQueue>> JournalQueue::open(FileSystem& file_system,
                                                         FileQueueOptions options, Clock& clock,
                                                         Log log, Workers workers) {
  if (auto problem = what_cannot_work(options); !problem.empty()) {
    return Failure(Error::bad_options, std::move(problem));
  }
  const auto failure = [&directory = options.directory](const std::error_code& error) {
    const bool locked = error == Error::locked;
    return Failure(error, directory + ": " + error.message() +
                              (locked ? ", or by another queue of this one" : ""));
  };
  options.segment_bytes = round_up(options.segment_bytes, block_size);
  const Storage storage{file_system, options.directory};
  if (const auto error = make_directory(storage)) return failure(error);
  auto lock = file_system.lock(storage.directory);
  if (!lock) return failure(lock.error().code);
  Recovered recovered;
  if (const auto error =
          recover(storage, {options.segment_bytes, options.strict}, log, recovered)) {
    return failure(error);
  }
  clock.not_before(recovered.newest);
  Environment env{storage,         std::move(options),     clock,
                  std::move(log),  std::move(workers.now), workers.flush_delay,
                  recovered.queue, recovered.epoch};
  return std::unique_ptr<JournalQueue>(
      new JournalQueue(std::move(env), *std::move(lock), recovered, workers.threads));
}

JournalQueue::JournalQueue(Environment env, std::unique_ptr<DirectoryLock> lock,
                           const Recovered& recovered, bool threads)
    : recovery_(recovered.report),
      state_(std::move(env), recovered),
      reader_(state_),
      appender_(state_),
      flusher_(state_, recovered, reader_),
      backlog_worker_(state_, reader_),
      maintainer_(state_, recovered),
      watcher_(state_, std::move(lock)) {
  state_.pool.look_at_disk();
  if (!threads) return;
  for (const auto worker : all_workers) {
    threads_.emplace_back([this, worker] {
      name_this_thread(name_of(worker));
      // If the first of many appends woke it at once, it would write that one alone.
      if (worker == Worker::flusher) let_others_finish_first();
      thread_of(worker).run();
    });
  }
}

JournalQueue::~JournalQueue() {
  {
    const LockGuard lock(state_.mutex);
    state_.stopping = true;
  }
  for (const auto worker : all_workers) thread_of(worker).wake_all();
  for (auto& thread : threads_) {
    assert(thread.get_id() != std::this_thread::get_id() && "destroyed inside a completion");
    thread.join();
  }
  if (threads_.empty()) flusher_.run();
  reader_.stop();
  maintainer_.finish();
}

QueueThread& JournalQueue::thread_of(Worker worker) {
  switch (worker) {
    case Worker::flusher: return flusher_;
    case Worker::backlog: return backlog_worker_;
    case Worker::watcher: return watcher_;
    case Worker::maintainer: break;
  }
  return maintainer_;
}

QueueProgress JournalQueue::progress() const {
  const LockGuard lock(state_.mutex);
  QueueProgress result;
  result.queue = state_.env.queue;
  result.frontier = state_.frontier();
  result.clock_floor = state_.cursor.newest;
  result.last_durable = state_.last_durable;
  // It may cover burned sequences behind it.
  result.acknowledged = std::min(state_.progress.acknowledged(), state_.last_durable);
  result.accepted_ids = state_.accepted_ids;
  result.accepted_callbacks = state_.accepted_callbacks;
  // Callbacks that would not survive a crash any more should be appended again.
  const auto& missing = state_.removed.missing;
  if (!missing.empty()) result.acknowledge_target = missing.back().last;
  return result;
}

QueueStatistics JournalQueue::statistics() const {
  const LockGuard lock(state_.mutex);
  const auto frontier = state_.frontier();
  return {.acknowledged_at = std::min(state_.progress.oldest_kept().value_or(frontier), frontier),
          .bytes = state_.pool.bytes(),
          .writable = state_.obstacle() == Obstacle::none};
}

std::uint64_t JournalQueue::lost_records() const {
  const LockGuard lock(state_.mutex);
  return recovery_.lost_records + state_.lost_since;
}

FileQueue::FlushStatus JournalQueue::flushes() const {
  const LockGuard lock(state_.mutex);
  auto status = state_.flush_status;
  status.overdue = state_.overdue_for();
  return status;
}

Histogram JournalQueue::flush_durations() const {
  const LockGuard lock(state_.mutex);
  return state_.flush_durations.snapshot();
}

std::string JournalQueue::trouble() const {
  const LockGuard lock(state_.mutex);
  return state_.describe(state_.obstacle());
}

std::string JournalQueue::advice() const {
  const LockGuard lock(state_.mutex);
  return state_.advise(state_.obstacle());
}

std::uint64_t JournalQueue::at_risk() const {
  const LockGuard lock(state_.mutex);
  std::uint64_t callbacks = 0;
  for (const auto& segment : state_.removed.missing) {
    const auto before = std::max(state_.progress.acknowledged(), segment.header.first_sequence - 1);
    if (segment.last > before) callbacks += segment.last - before;
  }
  return callbacks;
}

FileQueue::Reserve JournalQueue::reserve() const {
  const auto reserve = state_.pool.reserve();
  if (!reserve) return Reserve::not_yet;
  switch (*reserve) {
    case journal::Reserve::kept: return Reserve::kept;
    case journal::Reserve::first_write: return Reserve::first_write;
    case journal::Reserve::none: return Reserve::none;
    case journal::Reserve::unknown: break;
  }
  return Reserve::unknown;
}

}  // namespace postoffice::journal
