// A real process, killed with SIGKILL while it appends.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <random>
#include <set>

#include "conformance/queue_conformance.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice::journal {
namespace {

FileQueueOptions options_for(const std::string& directory) {
  FileQueueOptions options;
  options.directory = directory;
  options.segment_bytes = 64 << 10;
  return options;
}

/// Appends for ever, many at once, and writes every promised sequence to `pipe`.
[[noreturn]] void append_for_ever(const std::string& directory, int pipe) {
  testing::ManualClock clock;
  const auto opened = FileQueue::open(options_for(directory), clock);
  if (!opened) std::_Exit(2);
  auto& queue = *opened;
  std::atomic<int> under_way{0};
  for (ObjectId id = 0;; ++id) {
    while (under_way >= 64) ::usleep(50);  // a window of 64
    ++under_way;
    const std::vector<ObjectId> ids{id, id + 1'000'000, -id - 1};
    queue->append(ids, {}, [&under_way, pipe](std::error_code failure, Receipt receipt) {
      if (failure || ::write(pipe, &receipt.sequence, sizeof receipt.sequence) !=
                         static_cast<ssize_t>(sizeof receipt.sequence)) {
        std::_Exit(3);
      }
      --under_way;
    });
  }
}

/// The promises a child made before it was killed after `microseconds`.
std::vector<Sequence> run_and_kill(const std::string& directory, unsigned microseconds) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(pipe[0]);
    append_for_ever(directory, pipe[1]);
  }
  ::close(pipe[1]);
  std::vector<Sequence> promised;
  Sequence sequence = 0;
  // The first promise shows that it is at work; the time runs from there.
  REQUIRE(::read(pipe[0], &sequence, sizeof sequence) == sizeof sequence);
  promised.push_back(sequence);
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  bool killed = false;
  for (;;) {
    if (!killed && std::chrono::steady_clock::now() >= end) killed = ::kill(child, SIGKILL) == 0;
    if (::read(pipe[0], &sequence, sizeof sequence) != sizeof sequence) break;
    promised.push_back(sequence);
  }
  ::close(pipe[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
  return promised;
}

}  // namespace

TEST_CASE("kill -9 at any moment loses nothing that was promised") {
  testing::TemporaryDirectory directory;
  const auto seed = std::random_device{}();
  MESSAGE("seed " << seed);
  std::mt19937 random(seed);
  Sequence acknowledged = 0;
  for (int round = 0; round < 10; ++round) {
    const auto promised = run_and_kill(directory.path(), random() % 60'000);
    testing::ManualClock clock;
    const auto queue = *FileQueue::open(options_for(directory.path()), clock);
    CHECK(queue->recovery().lost_records == 0);
    std::set<Sequence> found;
    while (found.size() < queue->recovery().callbacks) {
      for (const auto& entry : conformance::read(*queue, 100'000).entries) {
        REQUIRE(entry.sequence > acknowledged);
        REQUIRE((found.empty() || entry.sequence > *found.rbegin()));
        found.insert(entry.sequence);
        REQUIRE(entry.ids_end - entry.ids_begin == 3);
      }
    }
    for (const auto sequence : promised) REQUIRE(found.contains(sequence));
    // Every other round leaves the backlog to the next one.
    if (round % 2 == 0) queue->acknowledge(acknowledged = *found.rbegin());
  }
}

}  // namespace postoffice::journal
