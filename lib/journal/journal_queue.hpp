// The file queue, put together.
//
// A callback's way: Appender (any thread) stamps and collects, Flusher (a thread) writes, syncs and
// tells, Reader (any thread) hands over from memory. What memory cannot keep the BacklogWorker (a
// thread) reads from the files. The Maintainer (a thread) writes the cursor and lets segments go,
// the Watcher (a thread) looks whether all of that works. Each of them is a class of its own and
// says at its top what it owns; what they share is SharedState, behind one mutex.
#pragma once

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

/// What works in the background.
enum class Worker { flusher, backlog, maintainer, watcher };

/// By which time the workers wait, and who lets them work.
struct Workers {
  bool threads = true;  ///< one each; false: whoever owns the queue calls step()
  std::function<SteadyTime()> now = std::chrono::steady_clock::now;
};

/// FileQueue on any file system.
class JournalQueue final : public FileQueue {
 public:
  static std::unique_ptr<JournalQueue> open(FileSystem& file_system, FileQueueOptions options,
                                            Clock& clock, std::error_code& error, Log log,
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
  QueueStatus status() const override;

  const FileQueueRecovery& recovery() const noexcept override { return recovery_; }
  FlushStatus flushes() const override;
  std::uint64_t lost_records() const override;
  std::string trouble() const override;
  std::uint64_t at_risk() const override;
  Reserve reserve() const override;

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
