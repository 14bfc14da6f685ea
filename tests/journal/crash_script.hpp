// A history of the real queue, step by step in one thread, and all that anybody was told in it.
#pragma once

#include <string>

#include "journal/crash_states.hpp"
#include "journal/journal_queue.hpp"
#include "journal/simulated_disk.hpp"
#include "postoffice/testing/manual_clock.hpp"

namespace postoffice::journal {

constexpr std::uint64_t small_segment = 16 << 10;
constexpr char queue_directory[] = "data/queue";

inline FileQueueOptions small_options() {
  FileQueueOptions options;
  options.directory = queue_directory;
  options.segment_bytes = small_segment;
  return options;
}

/// A callback as a sender sent it, or as a reader got it.
struct Callback {
  Sequence sequence = 0;
  Timestamp received_at{};
  std::vector<ObjectId> ids;

  friend bool operator==(const Callback&, const Callback&) = default;
};

/// What the outside knows at one moment of a history.
struct Oracle {
  std::map<ObjectId, Callback> attempted;  ///< by their first id, which nobody else has
  std::map<Sequence, Callback> promised;   ///< the sender was told that it is durable
  std::map<ObjectId, Sequence> sequences;  ///< of those, by their first id
  Sequence acknowledged = 0;               ///< by the reader

  struct Told {
    Sequence sequence = 0;
    std::optional<Callback> promise;  ///< otherwise an acknowledgement
  };
  void hear(const Told& told) {
    if (!told.promise) {
      acknowledged = std::max(acknowledged, told.sequence);
      return;
    }
    promised[told.sequence] = *told.promise;
    sequences[told.promise->ids.front()] = told.sequence;
  }
};

/// One queue on one disk, and a reader that takes all it gets.
class QueueRun {
 public:
  QueueRun(SimulatedDisk& disk, FileQueueOptions options, testing::ManualClock& clock, Log log = {})
      : disk_(disk), found_(std::make_shared<Found>()) {
    Workers workers{.threads = false, .now = [this] { return now_; }};
    auto opened =
        JournalQueue::open(disk, std::move(options), clock, std::move(log), std::move(workers));
    if (opened)
      queue_ = *std::move(opened);
    else
      error_ = opened.error().code;
  }
  /// The process is killed: what is destroyed changes nothing any more.
  ~QueueRun() {
    disk_.die_after(0);
    queue_.reset();
    disk_.stay_alive();
  }
  QueueRun(const QueueRun&) = delete;
  QueueRun& operator=(const QueueRun&) = delete;

  std::error_code error() const { return error_; }
  JournalQueue& queue() { return *queue_; }
  void stop_cleanly() { queue_.reset(); }
  void pass(std::chrono::milliseconds time) { now_ += time; }
  bool step(Worker worker) { return queue_->step(worker); }
  void work(Worker worker) {
    for (int i = 0; i < 1000 && step(worker); ++i) continue;
  }

  /// Everything the reader got so far.
  const std::vector<Callback>& read_all() {
    if (!found_->reading) read_on(*queue_, found_);
    work(Worker::backlog);
    return found_->callbacks;
  }

 private:
  struct Found {
    bool reading = false;
    std::vector<Callback> callbacks;
  };

  static void read_on(JournalQueue& queue, const std::shared_ptr<Found>& found) {
    found->reading = true;
    queue.read(1000, [&queue, found](std::error_code error, const Delivery& delivery) {
      if (error) return;
      for (const auto& entry : delivery.entries) {
        const auto ids = delivery.ids.begin();
        found->callbacks.push_back(
            {entry.sequence, entry.received_at, {ids + entry.ids_begin, ids + entry.ids_end}});
      }
      read_on(queue, found);
    });
  }

  SimulatedDisk& disk_;
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
  std::shared_ptr<Found> found_;
  std::error_code error_;
  std::unique_ptr<JournalQueue> queue_;
};

class Script {
 public:
  /// Between two power cuts.
  struct Recording {
    Image start;
    std::vector<Operation> log;
    std::size_t told_before = 0;
  };

  explicit Script(FileQueueOptions options = small_options()) : options_(std::move(options)) {
    disk_ = std::make_unique<SimulatedDisk>(start_);
  }

  SimulatedDisk& disk() { return *disk_; }
  QueueRun& run() { return *run_; }

  void start() { run_ = std::make_unique<QueueRun>(*disk_, options_, clock_); }
  /// The process: what it wrote is in the page cache.
  void kill() { run_.reset(); }
  bool is_running() const { return run_ != nullptr; }
  void stop() {
    run_->stop_cleanly();
    run_.reset();
  }
  /// And a new recording begins, on a disk in that state.
  void cut_power(Fate last_write) {
    kill();
    const auto image = with_last_write(start_, disk_->log(), last_write);
    recordings_.push_back({start_, disk_->log(), told_before_});
    told_before_ = told_.size();
    start_ = image;
    disk_ = std::make_unique<SimulatedDisk>(start_);
  }

  void append(int callbacks = 1, int ids = 60, bool requeued = false) {
    for (; callbacks > 0; --callbacks) {
      clock_.advance(std::chrono::milliseconds(1));
      Callback callback{0, requeued ? Timestamp(std::chrono::hours(1)) : clock_.now(), {}};
      for (ObjectId id = 0; id < ids; ++id) callback.ids.push_back(next_id_ + (id << 30));
      ++next_id_;
      attempted_[callback.ids.front()] = callback;
      const auto from = requeued ? std::optional(callback.received_at) : std::nullopt;
      run_->queue().append(callback.ids, from, [this, callback](auto error, Receipt receipt) {
        if (error) return void(++refused_);
        auto promise = callback;
        promise.sequence = receipt.sequence;
        tell({receipt.sequence, promise});
      });
    }
  }
  void flush() { run_->work(Worker::flusher); }
  /// Of a block each, three sectors of which are in use.
  void batches(int count) {
    for (; count > 0; --count) append(4), flush();
  }
  void maintain() {
    run_->pass(std::chrono::seconds(1));
    run_->work(Worker::maintainer);
  }
  /// All but the newest few of what was read.
  void acknowledge(std::size_t but = 0) {
    const auto& found = run_->read_all();
    if (found.size() <= but) return;
    const auto sequence = found[found.size() - 1 - but].sequence;
    // Known before it is done: a crash in between is allowed to know either.
    tell({sequence, {}});
    run_->queue().acknowledge(sequence);
  }

  /// Ends the script.
  const std::vector<Recording>& recordings() {
    kill();
    if (disk_) recordings_.push_back({start_, disk_->log(), told_before_});
    disk_.reset();
    return recordings_;
  }
  const std::vector<Oracle::Told>& told() const { return told_; }
  const std::map<ObjectId, Callback>& attempted() const { return attempted_; }
  int refused() const { return refused_; }

 private:
  void tell(Oracle::Told told) {
    told_.push_back(std::move(told));
    disk_->mark(told_.size());
  }

  const FileQueueOptions options_;
  testing::ManualClock clock_;
  Image start_{{"."}, {}};
  std::unique_ptr<SimulatedDisk> disk_;
  std::unique_ptr<QueueRun> run_;
  std::vector<Recording> recordings_;
  std::vector<Oracle::Told> told_;
  std::size_t told_before_ = 0;
  std::map<ObjectId, Callback> attempted_;
  ObjectId next_id_ = 1;
  int refused_ = 0;
};

}  // namespace postoffice::journal
