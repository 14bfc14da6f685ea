// One history: a machine, a process on it that dies again and again, and everything around it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulation/process.hpp"

namespace postoffice::simulation {

/// Everything follows from the seed.
class History {
 public:
  explicit History(std::uint64_t seed);

  /// Bad times, then good ones, in which everything must come right. What went wrong first, or "".
  std::string run();

  const Oracle& oracle() const { return oracle_; }

 private:
  // The world.
  void change_weather();
  void refuse_rows(int count);
  void allow_rows();
  void send();
  void send_all();
  void work();
  void pass(Duration span);
  void freeze(Duration span);

  // The process.
  void start();
  void die();
  void stop_gracefully();
  bool alive() const { return process_ != nullptr; }
  bool wrong() const { return !oracle_.wrong().empty(); }
  void check_counters();

  // The good times.
  void run_well(Duration span);
  void finish_work();
  void check_beside_failing();

  Chance chance_;
  journal::SimulatedDisk disk_;
  testing::MemoryStore rows_;
  Agenda agenda_;
  Weather weather_;
  PipelineOptions options_;
  FileQueueOptions queue_options_;
  Oracle oracle_;
  Timestamp wall_;
  Timestamp reads_fail_from_;
  Timestamp reads_fail_until_;
  std::set<ObjectId> sent_;
  std::set<ObjectId> refused_;
  std::size_t unanswered_ = 0;  // sends of this process that nobody has answered
  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::simulation
