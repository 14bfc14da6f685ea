// The file queue on a simulated disk, its workers stepped by hand: no threads, no waiting.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "journal/journal_queue.hpp"
#include "journal/simulated_disk.hpp"
#include "postoffice/error.hpp"
#include "postoffice/testing/manual_clock.hpp"

namespace postoffice::journal {

using namespace std::chrono_literals;

struct Stepped {
  explicit Stepped(std::uint64_t seed = 1) : disk(seed) { options.directory = "q"; }
  ~Stepped() { queue.reset(); }

  void open() {
    queue.reset();
    const Workers by_hand{
        false,
        [this] { return std::chrono::steady_clock::time_point(clock.now().time_since_epoch()); }};
    queue = *JournalQueue::open(
        disk, options, clock, [this](LogLevel, std::string_view text) { log.emplace_back(text); },
        by_hand);
    read_on();
  }

  void die() {
    disk.die_after(0);
    queue.reset();
    disk.kill_process();
  }

  /// What the flusher said to the sender.
  std::error_code append(ObjectId id) {
    std::error_code result = Error::unavailable;
    const std::vector<ObjectId> ids{id};
    queue->append(ids, {}, [&](std::error_code error, const Receipt&) { result = error; });
    while (queue->step(Worker::flusher)) {
    }
    return result;
  }

  void step_all() {
    for (int i = 0; i < 20; ++i) {
      for (const auto worker :
           {Worker::flusher, Worker::backlog, Worker::maintainer, Worker::watcher}) {
        queue->step(worker);
      }
    }
  }

  void read_on() {
    queue->read(1000, [this](std::error_code error, const Delivery& delivery) {
      if (error) return;
      for (const auto& entry : delivery.entries) got.push_back(entry.sequence);
      if (reading) read_on();
    });
  }

  void leave_fifty_to_a_disk_that_does_not_read() {
    options.memory_bytes_max = 1;
    open();
    reading = false;
    for (ObjectId id = 0; id < 50; ++id) REQUIRE_FALSE(append(id));
    disk.fail_reads(true);
    reading = true;
    read_on();
  }

  std::size_t segments() {
    const auto names = *disk.list("q");
    return static_cast<std::size_t>(std::count_if(
        names.begin(), names.end(), [](const auto& name) { return name.ends_with(".journal"); }));
  }

  bool said(const std::string& text) const { return times_said(text) > 0; }

  std::ptrdiff_t times_said(const std::string& text) const {
    return std::count_if(log.begin(), log.end(),
                         [&](const auto& line) { return line.find(text) != std::string::npos; });
  }

  testing::ManualClock clock;
  SimulatedDisk disk;
  FileQueueOptions options;
  bool reading = true;
  std::vector<Sequence> got;
  std::vector<std::string> log;
  std::unique_ptr<JournalQueue> queue;
};

}  // namespace postoffice::journal
