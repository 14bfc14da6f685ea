// One burst of more than the pipeline can take, beside ids that are received all the while.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "simulation/world.hpp"

namespace postoffice::simulation {

/// A store that takes so many rows a second and a source that takes so many fetches, both small
/// against the burst; sometimes a restart in the middle of it.
class Overload : public World {
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
  void go_on(Duration span, bool checked);
  void check_end();

  std::set<ObjectId> live_;
  std::set<ObjectId> fresh_;
  ObjectId next_new_ = first_new;
  ObjectId next_ = first_of_burst;
  int steps_ = 0;
};

}  // namespace postoffice::simulation
