// What the journal costs: coding, checksums, and appends through the real queue.
//
// POSTOFFICE_BENCH_DIRECTORY names the disk to use (default: the current directory).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "codec/crc32c.hpp"
#include "codec/id_codec.hpp"
#include "codec/id_sort.hpp"
#include "journal/journal_queue.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/testing/manual_clock.hpp"

namespace postoffice {
namespace {

std::vector<ObjectId> random_ids(std::size_t count, ObjectId below, bool sorted) {
  std::mt19937_64 random(11);
  std::vector<ObjectId> ids(count);
  for (auto& id : ids) id = static_cast<ObjectId>(random() % static_cast<std::uint64_t>(below));
  if (sorted) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
  return ids;
}

std::size_t json_size(const std::vector<ObjectId>& ids) {
  std::string body = "{\"object_ids\":[]}";
  for (const auto id : ids) body += std::to_string(id) + ",";
  return body.size() - (ids.empty() ? 0 : 1);
}

/// Argument: ids are below this.
void encode(benchmark::State& state) {
  const auto unsorted = random_ids(100, state.range(0), false);
  const auto ids = random_ids(100, state.range(0), true);
  std::vector<std::byte> payload;
  for (auto _ : state) {
    payload.clear();
    codec::encode_ids(ids, payload);
    benchmark::DoNotOptimize(payload.data());
  }
  const auto record = static_cast<double>((24 + payload.size() + 7) / 8 * 8);
  state.counters["bytes_on_disk"] = record;
  state.counters["share_of_json"] = record / static_cast<double>(json_size(unsorted));
}
BENCHMARK(encode)->Arg(100)->Arg(100'000)->Arg(10'000'000)->Arg(1'000'000'000'000);

void decode(benchmark::State& state) {
  std::vector<std::byte> payload;
  codec::encode_ids(random_ids(100, 10'000'000, true), payload);
  std::vector<ObjectId> ids;
  for (auto _ : state) {
    ids.clear();
    benchmark::DoNotOptimize(codec::decode_ids(payload, ids));
  }
}
BENCHMARK(decode);

/// Arguments: how many; ids are below this.
std::vector<std::vector<ObjectId>> lists(const benchmark::State& state) {
  std::mt19937_64 random(7);
  std::vector<std::vector<ObjectId>> lists(1'000);
  for (auto& ids : lists) {
    ids.resize(static_cast<std::size_t>(state.range(0)));
    for (auto& id : ids) {
      id = static_cast<ObjectId>(random() % static_cast<std::uint64_t>(state.range(1)));
    }
  }
  return lists;
}

void sort_and_drop_duplicates(benchmark::State& state) {
  const auto unsorted = lists(state);
  std::vector<ObjectId> space;
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(codec::sort_ids(unsorted[next++ % unsorted.size()], space).data());
  }
}
BENCHMARK(sort_and_drop_duplicates)->ArgsProduct({{20, 100, 200}, {100, 10'000'000}});

/// The floor under it: the standard library's.
void sort_by_comparing(benchmark::State& state) {
  const auto unsorted = lists(state);
  std::vector<ObjectId> ids;
  std::size_t next = 0;
  for (auto _ : state) {
    ids = unsorted[next++ % unsorted.size()];
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    benchmark::DoNotOptimize(ids.data());
  }
}
BENCHMARK(sort_by_comparing)->ArgsProduct({{20, 100, 200}, {100, 10'000'000}});

void checksum(benchmark::State& state) {
  const std::vector<std::byte> data(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) benchmark::DoNotOptimize(codec::crc32c(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum)->Arg(20)->Arg(300)->Arg(4096);

void checksum_portable(benchmark::State& state) {
  const std::vector<std::byte> data(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (auto _ : state) benchmark::DoNotOptimize(codec::crc32c_portable(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(checksum_portable)->Arg(300)->Arg(4096);

/// A queue on the disk, its spare segment ready, read and acknowledged all the time.
class BusyQueue {
 public:
  explicit BusyQueue(std::chrono::microseconds delay) {
    const char* place = std::getenv("POSTOFFICE_BENCH_DIRECTORY");
    FileQueueOptions options;
    options.directory = directory_ = std::string(place != nullptr ? place : ".") + "/bench_queue";
    std::filesystem::remove_all(directory_);
    auto opened = journal::JournalQueue::open(journal::posix_file_system(), options, clock_, {},
                                              {.flush_delay = delay});
    if (!opened) return;
    queue_ = *std::move(opened);
    await_spare();
    read_on(*queue_);
  }
  ~BusyQueue() {
    queue_.reset();
    std::filesystem::remove_all(directory_);
  }

  FileQueue* operator->() { return queue_.get(); }

 private:
  /// The first segment should be one that was zeroed ahead, like all later ones.
  void await_spare() {
    const std::string spare = directory_ + "/spare.ready";
    while (!std::filesystem::exists(spare)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  /// By reference: a delivery may still come while the queue is being destroyed.
  static void read_on(FileQueue& queue) {
    queue.read(100'000, [&queue](std::error_code error, Delivery delivery) {
      if (error) return;
      queue.acknowledge(delivery.entries.back().sequence);
      read_on(queue);
    });
  }

  std::string directory_;
  testing::ManualClock clock_;
  std::unique_ptr<FileQueue> queue_;
};

/// Arguments: appends under way at once; microseconds added to every flush.
void append(benchmark::State& state) {
  const auto window = static_cast<std::size_t>(state.range(0));
  const auto ids = random_ids(100, 10'000'000, false);
  BusyQueue queue{std::chrono::microseconds(state.range(1))};
  std::mutex mutex;
  std::condition_variable room;
  std::size_t under_way = 0;
  const auto before = queue->flushes();
  for (auto _ : state) {
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return under_way < window; });
      ++under_way;
    }
    queue->append(ids, {}, [&](std::error_code error, Receipt) {
      const std::lock_guard lock(mutex);
      if (error) std::abort();
      if (under_way-- == window || under_way == 0) room.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex);
    room.wait(lock, [&] { return under_way == 0; });
  }
  const auto after = queue->flushes();
  const auto flushes = static_cast<double>(after.flushes - before.flushes);
  state.counters["flushes/s"] = benchmark::Counter(flushes, benchmark::Counter::kIsRate);
  state.counters["appends/s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["appends/flush"] = static_cast<double>(state.iterations()) / flushes;
  state.counters["bytes/flush"] =
      static_cast<double>(after.flushed_bytes - before.flushed_bytes) / flushes;
}
// A fixed number of iterations: each try of another number would make its files anew.
BENCHMARK(append)->Args({1, 0})->Iterations(3'000)->UseRealTime()->MeasureProcessCPUTime();
BENCHMARK(append)
    ->Args({256, 0})
    ->Args({256, 1000})
    ->Args({256, 200})
    ->Args({100'000, 0})
    ->Iterations(100'000)
    ->UseRealTime()
    ->MeasureProcessCPUTime();
BENCHMARK(append)->Args({256, 5000})->Iterations(40'000)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
}  // namespace postoffice

BENCHMARK_MAIN();
