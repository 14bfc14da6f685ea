// One life of the process: the real pipeline on the real journal, in one thread.
#pragma once

#include <memory>
#include <string>

#include "journal/journal_queue.hpp"
#include "journal/simulated_disk.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "simulation/simulated_source.hpp"
#include "simulation/simulated_store.hpp"
#include "simulation/watched_queue.hpp"

namespace postoffice::simulation {

/// What is outside of the process, and outlives it.
struct Surroundings {
  journal::SimulatedDisk& disk;
  testing::MemoryStore& rows;
  Agenda& agenda;
  Chance& chance;
  const Weather& weather;
  Oracle& oracle;
};

class Process {
 public:
  /// `wall` is what the machine's clock shows at the start.
  Process(const Surroundings& around, PipelineOptions options, FileQueueOptions queue_options,
          Timestamp wall)
      : clock_(wall),
        source_(clock_, around.agenda, around.chance, around.weather, around.oracle),
        store_(around.rows, clock_, around.agenda, around.chance, around.weather, around.oracle) {
    const journal::Workers by_hand{
        false,
        [this] { return std::chrono::steady_clock::time_point(clock_.now().time_since_epoch()); }};
    auto opened =
        journal::JournalQueue::open(around.disk, std::move(queue_options), clock_, {}, by_hand);
    if (!opened) error_ = opened.error().code;
    // Nothing runs on a machine without power.
    if (!opened || around.disk.dead()) return;
    queue_ = *std::move(opened);
    watched_ = std::make_unique<WatchedQueue>(*queue_, around.oracle);
    pipeline_ = std::make_unique<Pipeline>(
        Pipeline::Parts{clock_, ingress_, *watched_, source_, store_}, options);
    pipeline_->start();
    clock_.run_ready();
  }

  bool opened() const { return queue_ != nullptr; }
  std::error_code error() const { return error_; }
  testing::ManualClock& clock() { return clock_; }
  testing::DirectIngress& ingress() { return ingress_; }
  journal::JournalQueue& queue() { return *queue_; }
  Pipeline& pipeline() { return *pipeline_; }

 private:
  testing::ManualClock clock_;
  testing::DirectIngress ingress_;
  SimulatedSource source_;
  SimulatedStore store_;
  std::error_code error_;
  std::unique_ptr<WatchedQueue> watched_;  // outlives the queue, which still delivers as it stops
  std::unique_ptr<journal::JournalQueue> queue_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace postoffice::simulation
