// How long a queue needs to open with a backlog left by a run before:
//   recovery_bench DIRECTORY MEBIBYTES
// The files are dropped from the page cache first, so that the disk is read.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <vector>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/testing/manual_clock.hpp"

namespace {

using namespace postoffice;

constexpr std::size_t ids_in_a_callback = 100;
constexpr std::size_t appended_at_once = 2'000;

/// Callbacks of a hundred ids below ten million, until the queue holds `bytes`.
std::uint64_t fill(const FileQueueOptions& options, std::uint64_t bytes) {
  testing::ManualClock clock;
  const auto opened = FileQueue::open(options, clock);
  if (!opened) {
    std::fprintf(stderr, "%s: %s\n", options.directory.c_str(), opened.error().text().c_str());
    std::exit(1);
  }
  auto& queue = *opened;
  std::mt19937_64 random(5);
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t under_way = 0;
  std::uint64_t callbacks = 0;
  std::vector<ObjectId> ids(ids_in_a_callback);
  while (queue->flushes().flushed_bytes < bytes) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return under_way < appended_at_once; });
    ++under_way;
    lock.unlock();
    for (auto& id : ids) id = static_cast<ObjectId>(random() % 10'000'000);
    queue->append(ids, {}, [&](std::error_code, const Receipt&) {
      const std::lock_guard done_lock(mutex);
      --under_way;
      changed.notify_one();
    });
    ++callbacks;
  }
  return callbacks;
}

std::uint64_t forget_cached(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    bytes += entry.file_size();
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: recovery_bench DIRECTORY MEBIBYTES\n");
    return 64;
  }
  FileQueueOptions options;
  options.directory = std::string(arguments[1]) + "/recovery_bench";
  std::filesystem::remove_all(options.directory);
  const auto callbacks = fill(options, std::strtoull(arguments[2], nullptr, 10) << 20);
  for (int run = 0; run < 5; ++run) {
    const auto bytes = forget_cached(options.directory);
    testing::ManualClock clock;
    const auto begun = std::chrono::steady_clock::now();
    const auto queue = FileQueue::open(options, clock);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    if (!queue || (*queue)->recovery().callbacks != callbacks) {
      std::fprintf(stderr, "not recovered: %s\n",
                   queue ? "other callbacks" : queue.error().text().c_str());
      return 1;
    }
    const auto gigabytes = static_cast<double>(bytes) / 1e9;
    std::printf("%.2f GB, %llu callbacks: open in %.2f s, %.2f s a GB\n", gigabytes,
                static_cast<unsigned long long>(callbacks), took.count(), took.count() / gigabytes);
  }
  std::filesystem::remove_all(options.directory);
  return 0;
}
