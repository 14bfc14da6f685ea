// One burst of more than the pipeline can take, beside ids that are received all the while.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "simulation/process.hpp"

namespace postoffice::simulation {

/// A store that takes so many rows a second and a source that takes so many fetches, both small
/// against the burst; sometimes a restart in the middle of it. Everything follows from the seed.
class Overload {
 public:
  explicit Overload(std::uint64_t seed);

  /// What went wrong first, or "".
  std::string run();
  std::uint64_t ids() const { return next_ - first_of_burst; }

 private:
  static constexpr ObjectId first_new = 1'000;
  static constexpr ObjectId first_of_burst = 1'000'000;

  void start();
  void send(const std::vector<ObjectId>& ids);
  void send_burst();
  void send_live();
  void restart();
  void refuse_rows();
  void pass(Duration span);
  void go_on(Duration span, bool checked);
  void check_end();

  Chance chance_;
  journal::SimulatedDisk disk_;
  testing::MemoryStore rows_;
  Agenda agenda_;
  Weather weather_;
  PipelineOptions options_;
  FileQueueOptions queue_options_;
  Oracle oracle_;
  Timestamp wall_;
  std::set<ObjectId> live_;
  std::set<ObjectId> fresh_;
  std::set<ObjectId> refused_;
  ObjectId next_new_ = first_new;
  ObjectId next_ = first_of_burst;
  int steps_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::simulation
