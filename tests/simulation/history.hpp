// One history: bad times, then good ones.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "simulation/world.hpp"

namespace postoffice::simulation {

class History : public World {
 public:
  explicit History(std::uint64_t seed);

  /// Bad times, then good ones, in which everything must come right. What went wrong first, or "".
  std::string run();

 private:
  // The world.
  void change_weather();
  void refuse_rows(int count);
  void allow_rows();
  void send();
  void send_all();
  void work_a_little();
  void freeze(Duration span);

  // The process.
  void start();
  void die();
  void stop_gracefully();

  // The good times.
  void run_well(Duration span);
  void finish_work();
  void check_beside_failing();

  Timestamp reads_fail_from_;
  Timestamp reads_fail_until_;
  std::set<ObjectId> sent_;
  std::size_t unanswered_ = 0;  // sends of this process that nobody has answered
};

}  // namespace postoffice::simulation
