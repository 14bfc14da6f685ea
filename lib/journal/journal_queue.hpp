// The file queue, put together.
//
// The path of a callback: the Appender (any thread) stamps and collects, the Flusher (a thread)
// writes, syncs and answers, the Reader (any thread) hands over from memory. The BacklogWorker (a
// thread) reads from the files what memory cannot hold. The Maintainer (a thread) writes the cursor
// and releases segments; the Watcher (a thread) checks that all of this works. Each is a class of
// its own and says at its top what it owns. They share SharedState, behind one mutex.
#pragma once

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "journal/appender.hpp"
#include "journal/backlog_worker.hpp"
#include "journal/flusher.hpp"
#include "journal/maintainer.hpp"
#include "journal/reader.hpp"
#include "journal/watcher.hpp"

namespace postoffice::journal {

/// The background threads.
enum class Worker { flusher, backlog, maintainer, watcher };

/// Which clock the workers wait by, and what runs them.
struct Workers {
  bool threads = true;  ///< one each; false: whoever owns the queue calls step()
  std::function<SteadyTime()> now = std::chrono::steady_clock::now;
  std::chrono::microseconds flush_delay{0};  ///< added to every flush, for tests and benches
};

/// FileQueue on any file system.
class JournalQueue final : public FileQueue {
 public:
  static Result<std::unique_ptr<JournalQueue>> open(FileSystem& file_system,
                                                    FileQueueOptions options, Clock& clock, Log log,
                                                    Workers workers = {});
  /// Refuses what is new, and writes what is old. Completions may use the queue meanwhile.
  ~JournalQueue() override;

  /// Without threads: lets a worker do the next thing. False if it has nothing to do now.
  bool step(Worker worker) { return thread_of(worker).step(); }

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              AppendDone done) override {
    appender_.append(ids, carried_from, std::move(done));
  }
  void read(std::size_t ids_max, ReadDone done) override { reader_.read(ids_max, std::move(done)); }
  void acknowledge(Sequence up_to) override { reader_.acknowledge(up_to); }
  QueueProgress progress() const override;
  QueueStatistics statistics() const override;

  const FileQueueRecovery& recovery() const noexcept override { return recovery_; }
  FlushStatus flushes() const override;
  Histogram flush_durations() const override;
  std::uint64_t lost_records() const override;
  std::string trouble() const override;
  std::string advice() const override;
  std::uint64_t at_risk() const override;
  Reserve reserve() const override;
  Space space() const override { return state_.pool.space(); }

 private:
  JournalQueue(Environment env, std::unique_ptr<DirectoryLock> lock, const Recovered& recovered,
               bool threads);

  QueueThread& thread_of(Worker worker);

  const FileQueueRecovery recovery_;
  mutable SharedState state_;  // mutable: to be told the time is to be promised it
  Reader reader_;
  Appender appender_;
  Flusher flusher_;
  BacklogWorker backlog_worker_;
  Maintainer maintainer_;
  Watcher watcher_;
  std::vector<std::thread> threads_;
};

}  // namespace postoffice::journal
