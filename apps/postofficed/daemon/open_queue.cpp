#include "daemon/open_queue.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "daemon/memory_limit.hpp"
#include "postoffice/error.hpp"
#include "support/lock_holder.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::LogLevel;

Failure cannot_open(const std::string& name, const std::string& directory, const Failure& failure) {
  std::string message = name + failure.code.message();
  const bool locked = failure.code == postoffice::Error::locked;
  const auto holder = locked ? lock_holder(directory) : std::string();
  if (!holder.empty()) message += ": " + holder;
  return {ExitCode::journal, message};
}

void log_recovery(const std::string& name, const postoffice::FileQueueRecovery& found,
                  const postoffice::Log& log) {
  std::string text = name + counted(found.callbacks, "callback") + " with " +
                     counted(found.ids, "id") + " left from before";
  if (found.torn_bytes != 0) {
    text += "; dropped " + counted(found.torn_bytes, "byte") + " never acknowledged to a sender";
  }
  log(LogLevel::info, text);
  if (found.lost_records == 0) return;
  log(LogLevel::error,
      name + counted(found.lost_records, "record") + " lost to damage of the file");
}

}  // namespace

Failure open_queue(const Options& options, postoffice::Clock& clock, const postoffice::Log& log,
                   std::unique_ptr<postoffice::FileQueue>& queue) {
  postoffice::FileQueueOptions wanted;
  wanted.directory = options.queue.directory;
  wanted.bytes_max = options.queue_limit;
  wanted.strict = options.journal_strict;
  wanted.clock_interval = std::min(wanted.clock_interval, options.ttl / 2);
  fit_memory(memory_limit(), wanted);
  const std::string name = "queue file:" + wanted.directory + ": ";
  auto opened = postoffice::FileQueue::open(wanted, clock, log);
  if (!opened) return cannot_open(name, wanted.directory, opened.error());
  queue = *std::move(opened);
  log_recovery(name, queue->recovery(), log);
  return {};
}

// The first file may take a while on a file system that reserves space only by writing.
void tell_ready(const postoffice::FileQueue* queue, const postoffice::Log& log) {
  using namespace std::chrono_literals;
  const auto give_up = std::chrono::steady_clock::now() + 5s;
  std::string trouble = queue ? queue->trouble() : std::string();
  while (!trouble.empty() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(5ms);
    trouble = queue->trouble();
  }
  if (trouble.empty()) return log(LogLevel::info, "ready");
  log(LogLevel::warning, "started, not ready: " + trouble);
}

}  // namespace postofficed
