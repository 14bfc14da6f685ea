// A machine, a process on it that dies again and again, and everything around it.
#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <set>

#include "simulation/process.hpp"

namespace postoffice::simulation {

using namespace std::chrono_literals;

/// What all histories have. Everything follows from the seed.
class World {
 public:
  const Oracle& oracle() const { return oracle_; }

 protected:
  static constexpr auto tick = 50ms;
  static constexpr journal::Worker workers[] = {journal::Worker::flusher, journal::Worker::backlog,
                                                journal::Worker::maintainer};

  using DrawPipeline = PipelineOptions (*)(Chance&);
  using DrawQueue = FileQueueOptions (*)(Chance&);

  World(std::uint64_t seed, DrawPipeline draw_options, DrawQueue draw_queue_options)
      : chance_(seed),
        disk_(chance_.number()),
        options_(draw_options(chance_)),
        queue_options_(draw_queue_options(chance_)),
        oracle_(options_.ttl, options_.keep == Keep::all) {}

  bool alive() const { return process_ != nullptr; }
  bool wrong() const { return !oracle_.wrong().empty(); }

  void start_process() {
    const Surroundings around{disk_, rows_, agenda_, chance_, weather_, oracle_};
    process_ = std::make_unique<Process>(around, options_, queue_options_, wall_);
  }

  /// Nothing of the process reaches the disk any more.
  void end_process() {
    const auto now = process_->clock().now();
    disk_.die_after(0);
    agenda_.clear();
    process_.reset();
    oracle_.crashed(now);
  }

  /// Each worker gets as many turns as that.
  void work(int turns) {
    for (; turns > 0; --turns) {
      for (const auto worker : workers) process_->queue().step(worker);
    }
  }

  /// Time goes on, stopping at whatever is due.
  void pass(Duration span) {
    auto& clock = process_->clock();
    const auto end = clock.now() + span;
    for (auto next = agenda_.next(); next <= end; next = agenda_.next()) {
      clock.advance(std::max(next - clock.now(), Duration{}));
      agenda_.run_next();
      clock.run_ready();
    }
    clock.advance(std::max(end - clock.now(), Duration{}));
    wall_ += span;
  }

  void check_counters() {
    const auto s = process_->pipeline().status();
    if (s.accepted_ids != s.stored + s.merged + s.not_found + s.expired + s.dead + s.pending) {
      oracle_.blame("the counters do not add up (S8)");
    }
  }

  Chance chance_;
  journal::SimulatedDisk disk_;
  testing::MemoryStore rows_;
  Agenda agenda_;
  Weather weather_;
  PipelineOptions options_;
  FileQueueOptions queue_options_;
  Oracle oracle_;
  Timestamp wall_{std::chrono::hours(24 * 365 * 50)};
  std::set<ObjectId> refused_;  ///< have rows that cannot be written or deleted
  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::simulation
