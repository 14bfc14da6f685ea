// Several instances on one database, in every order in which their steps can come: registering,
// receiving, touching, telling the watermark, deleting, being paused, retired and coming back, with
// clocks that differ.
#include <doctest/doctest.h>

#include <chrono>

#include "simulation/instances_model.hpp"

using namespace postoffice::simulation;

namespace {

void check(const World& world, const char* what) {
  const auto begun = std::chrono::steady_clock::now();
  const auto result = InstancesModel(world).explore(STATES_MAX);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  CHECK_MESSAGE(result.violation.empty(), result.violation);
  CHECK(result.deletes > 0);
  MESSAGE(what << ": " << result.states << " states, " << result.steps << " steps, "
               << result.deletes << " deletes, " << took.count() << " s");
}

std::string violation(World world, Mistake mistake) {
  world.mistake = mistake;
  return InstancesModel(world).explore(STATES_MAX).violation;
}

}  // namespace

TEST_CASE("two instances: nothing goes early, in any interleaving (S6)") {
  World world;
  world.end = 4;
  world.receipts = 1;
  check(world, "same clocks");
  world.offsets = {0, 2};
  check(world, "the second clock ahead by ttl");
  world.offsets = {0, -2};
  check(world, "the second clock behind by ttl");
}

TEST_CASE("three instances: nothing goes early, in any interleaving (S6)") {
  World world;
  world.instances = 3;
  world.offsets = {0, 1, -1};
  world.ttl = 1;
  world.end = 3;
  world.receipts = 1;
  world.retirements = 0;
  check(world, "three clocks");
}

TEST_CASE("the model finds each mistake") {
  World world;
  world.end = 4;
  world.receipts = 1;
  for (const Mistake mistake :
       {Mistake::cutoff_of_own_watermark, Mistake::cutoff_read_before_delete,
        Mistake::registered_without_lock, Mistake::cutoff_not_remembered,
        Mistake::watermark_before_commit, Mistake::told_without_epoch, Mistake::not_fenced,
        Mistake::fenced_without_lock, Mistake::clocks_not_compared}) {
    CAPTURE(static_cast<int>(mistake));
    bool found = false;
    for (const int offset : {0, 2, -2}) {
      world.offsets = {0, offset};
      const auto what = violation(world, mistake);
      found = found || !what.empty();
      MESSAGE(static_cast<int>(mistake) << ", offset " << offset << ": " << what);
    }
    CHECK(found);
  }
}
