#include "journal/journal_queue.hpp"

#include <algorithm>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "codec/id_sort.hpp"
#include "planted_bug.hpp"
#include "postoffice/error.hpp"
#include "thread.hpp"

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

bool can_work(const FileQueueOptions& options) {
  return !options.directory.empty() && options.segment_bytes >= segment_bytes_min &&
         options.segment_bytes < segment_bytes_limit && options.flush_delay.count() >= 0 &&
         (options.bytes_max == 0 || options.bytes_max >= 2 * options.segment_bytes);
}

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

SegmentPool::Limits limits_of(const Storage& storage, const FileQueueOptions& options) {
  constexpr std::uint64_t enough = 512ull << 20;
  const auto size = storage.file_system.space(storage.directory).size;
  return {options.bytes_max, options.free_bytes_min.value_or(std::min(enough, size / 20))};
}

}  // namespace

/// The name of a new directory must survive, and those of the new ones it lies in: whoever made
/// them, and however far he came with it. What we may not read was there before us.
std::error_code JournalQueue::make_directory(const Storage& storage) {
  auto& files = storage.file_system;
  if (const auto error = files.create_directory(storage.directory)) return error;
  auto path = storage.directory;
  while (path != "/" && path != ".") {
    path.erase(std::min(path.find_last_not_of('/') + 1, path.size()));
    const auto slash = path.find_last_of('/');
    path = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    (void)files.sync_directory(path);
  }
  return {};
}

std::unique_ptr<JournalQueue> JournalQueue::open(FileSystem& file_system, FileQueueOptions options,
                                                 Clock& clock, std::error_code& error, Log log,
                                                 Workers workers) {
  error = can_work(options) ? std::error_code{} : make_error_code(Error::bad_options);
  if (error) return nullptr;
  options.segment_bytes = round_up(options.segment_bytes, block_size);
  const Storage storage{file_system, options.directory};
  if ((error = make_directory(storage))) return nullptr;
  auto lock = file_system.lock(storage.directory, error);
  if (!lock) return nullptr;
  Recovered recovered;
  error = recover(storage, {options.segment_bytes, options.strict}, log, recovered);
  if (error) return nullptr;
  clock.not_before(recovered.newest);
  return std::unique_ptr<JournalQueue>(new JournalQueue(storage, std::move(options), clock,
                                                        std::move(log), std::move(workers),
                                                        std::move(lock), std::move(recovered)));
}

JournalQueue::JournalQueue(const Storage& storage, FileQueueOptions options, Clock& clock, Log log,
                           Workers workers, std::unique_ptr<DirectoryLock> lock,
                           Recovered recovered)
    : storage_(storage),
      options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      workers_(std::move(workers)),
      recovery_(recovered.report),
      queue_(recovered.queue),
      epoch_(recovered.epoch),
      record_size_max_(JournalWriter::record_size_max(options_.segment_bytes)),
      newest_(recovered.newest),
      last_stamped_(recovered.greatest),
      pool_(storage, options_.segment_bytes, limits_of(storage, options_), recovered.spare_ready,
            recovered.segments.size(), workers_.now),
      writer_(storage, pool_, writer_start(recovered)),
      last_durable_(recovered.last),
      accepted_ids_(recovered.report.ids),
      accepted_callbacks_(recovered.report.callbacks),
      behind_(recovered.backlog_number != 0),
      backlog_(storage, epoch_),
      segments_(recovered.segments.begin(), recovered.segments.end()),
      next_number_(recovered.next_number),
      taken_(recovered.acknowledged),
      handed_(recovered.acknowledged),
      in_memory_(recovered.acknowledged),
      waiting_times_(recovered.waiting),
      kept_times_(std::move(recovered.waiting)),
      acknowledged_(recovered.acknowledged),
      cursor_file_(storage),
      held_at_(recovered.acknowledged),
      directory_lock_(std::move(lock)),
      opened_at_(workers_.now()) {
  if (!recovered.durable) not_durable_ = recovered.segments.back();
  if (planted(PlantedBug::recovered_time_believed)) cursor_newest_ = newest_;
  backlog_.seek(recovered.backlog_number, recovered.backlog_offset, recovered.acknowledged);
  for (const auto& [first, last] : recovered.gaps) burned_.push_back({first, last});
  if (recovered.last_found < recovered.greatest) {
    burn(recovered.last_found + 1, recovered.greatest);
  }
  if (!workers_.threads) return;
  for (const auto worker : all_workers) {
    threads_.emplace_back([this, worker] {
      name_this_thread(name_of(worker));
      // Woken by the first append of many, it would write that one alone.
      if (worker == Worker::flusher) let_others_finish_first();
      run(worker);
    });
  }
}

JournalQueue::~JournalQueue() {
  if (!stopped_) stop();
}

void JournalQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = stopped_ = true;
  }
  for (const auto worker : all_workers) wanted(worker).notify_all();
  for (auto& thread : threads_) thread.join();
  if (!workers_.threads) run(Worker::flusher);
  if (read_) std::exchange(read_, nullptr)(Error::stopped, {});
  if (write_cursor()) trim();
}

void JournalQueue::run(Worker worker) {
  Lock lock(mutex_);
  for (;;) {
    const auto next = step(worker, lock);
    if (next.what == Next::What::end) return;
    if (next.what == Next::What::sleep) sleep(worker, lock, next.until);
  }
}

bool JournalQueue::step(Worker worker) {
  Lock lock(mutex_);
  return step(worker, lock).what == Next::What::go_on;
}

JournalQueue::Next JournalQueue::step(Worker worker, Lock& lock) {
  switch (worker) {
    case Worker::flusher: return flush_step(lock);
    case Worker::backlog: return backlog_step(lock);
    case Worker::watcher: return watch_step(lock);
    case Worker::maintainer: break;
  }
  return maintenance_step(lock);
}

void JournalQueue::sleep(Worker worker, Lock& lock, SteadyTime until) {
  // Whoever appends need not wake a flusher that is at work: it will look again by itself.
  if (worker == Worker::flusher) flusher_waits_ = true;
  if (until == SteadyTime::max())
    wanted(worker).wait(lock);
  else
    wanted(worker).wait_until(lock, until);
  if (worker == Worker::flusher) flusher_waits_ = false;
}

std::condition_variable& JournalQueue::wanted(Worker worker) {
  switch (worker) {
    case Worker::flusher: return flush_wanted_;
    case Worker::backlog: return backlog_wanted_;
    case Worker::watcher: return watch_wanted_;
    case Worker::maintainer: break;
  }
  return maintenance_wanted_;
}

void JournalQueue::append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
                          AppendDone done) {
  // Kept, so that an append allocates nothing once it has warmed up.
  thread_local std::vector<ObjectId> space;
  thread_local std::vector<std::byte> payload;
  const auto sorted = codec::sort_ids(ids, space);
  payload.clear();
  codec::encode_ids(sorted, payload);
  RecordHeader header;
  header.payload_size = static_cast<std::uint32_t>(payload.size());
  header.payload_checksum = codec::crc32c(payload);
  header.type = carried_from ? RecordType::carried : RecordType::callback;
  const bool too_large = payload.size() > payload_size_max || header.size() > record_size_max_;
  std::error_code refused = too_large ? make_error_code(Error::not_durable) : std::error_code{};
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (!refused) refused = refusal();
    if (!refused) {
      Entry entry;
      stamp(entry, carried_from);
      if (open_.empty()) open_since_ = workers_.now();
      header.received_at = entry.received_at;
      open_.add(header, payload, entry, sorted, std::move(done));
      open_.newest = newest_;
      wake = std::exchange(flusher_waits_, false) && !planted(PlantedBug::wakeup_lost);
    }
  }
  if (refused) return done(refused, {});
  if (wake) flush_wanted_.notify_one();
}

std::error_code JournalQueue::refusal() const {
  if (broken_) return broken_error_;
  if (directory_ != DirectoryLock::State::held) return Error::storage_error;
  if (open_.bytes.size() > options_.buffer_bytes_max) return Error::not_durable;
  return {};
}

/// Under the lock, so that the order of the times is that of the sequences, and the frontier is
/// exact.
void JournalQueue::stamp(Entry& entry, std::optional<Timestamp> carried_from) {
  if (!carried_from) newest_ = std::max(newest_, clock_.now());
  entry.sequence = entry.receipt = ++last_stamped_;
  entry.received_at = carried_from.value_or(newest_);
  entry.carried = carried_from.has_value();
  if (entry.carried) return;
  waiting_times_.push(entry.sequence, entry.received_at);
  kept_times_.push(entry.sequence, entry.received_at);
}

QueueStatus JournalQueue::status() const {
  const std::lock_guard lock(mutex_);
  QueueStatus status;
  status.queue = queue_;
  if (const auto oldest = waiting_times_.oldest()) {
    status.frontier = *oldest;
  } else {
    // Nothing is stamped before a time that somebody was told.
    newest_ = std::max(newest_, clock_.now());
    status.frontier = newest_;
  }
  status.recorded = cursor_newest_;
  status.last_durable = last_durable_;
  status.acknowledged = std::min(acknowledged_, last_durable_);  // it may cover burned ones beyond
  status.acknowledged_at =
      std::min(kept_times_.oldest().value_or(status.frontier), status.frontier);
  status.accepted_ids = accepted_ids_;
  status.accepted_callbacks = accepted_callbacks_;
  status.bytes = pool_.bytes();
  status.writable = obstacle() == Obstacle::none;
  // What would not survive a crash any more is better appended again.
  if (!missing_.empty()) status.crowded = missing_.back().last;
  return status;
}

std::uint64_t JournalQueue::lost_records() const {
  const std::lock_guard lock(mutex_);
  return recovery_.lost_records + lost_since_;
}

FileQueue::FlushStatus JournalQueue::flushes() const {
  const std::lock_guard lock(mutex_);
  auto status = flush_status_;
  status.overdue = overdue_for();
  return status;
}

void JournalQueue::say(LogLevel level, const std::string& message) const {
  if (log_) log_(level, "queue: " + message);
}

}  // namespace postoffice::journal
