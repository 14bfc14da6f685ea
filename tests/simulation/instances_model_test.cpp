// Several instances on one database, in every order in which their steps can come: registering,
// receiving, touching, telling the watermark, deleting, being paused, retired and coming back, with
// clocks that differ.
#include <doctest/doctest.h>

#include <chrono>

#include "simulation/instances_model.hpp"

using namespace postoffice::simulation;

namespace {

void check(const World& world, const std::string& what) {
  const auto begun = std::chrono::steady_clock::now();
  const auto result = InstancesModel(world).explore(STATES_MAX);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  CHECK_MESSAGE(result.violation.empty(), result.violation);
  const bool all = result.states < STATES_MAX;
  if (all) CHECK(result.deletes > 0);
  MESSAGE(what << ": " << std::string(all ? "all " : "the first ") << result.states << " states, "
               << result.steps << " steps, " << result.deletes << " deletes, " << took.count()
               << " s");
}

bool finds(World world, Mistake mistake) {
  world.mistake = mistake;
  for (const int offset : {1, 0, 2}) {
    world.offsets = {0, offset};
    const auto result = InstancesModel(world).explore(STATES_MAX);
    if (result.violation.empty()) continue;
    MESSAGE(result.violation << ", after " << result.states << " states");
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("two instances: nothing goes early, in any interleaving (S6)") {
  World world;
  world.ttl = 1;
  world.end = 3;
  world.receipts = 1;
  check(world, "same clocks");
  world.offsets = {0, 1};
  check(world, "the second clock ahead by ttl");
  world.offsets = {0, -1};
  check(world, "the second clock behind by ttl");
  world.offsets = {0, 2};
  world.end = 4;
  world.retirements = 0;
  check(world, "the second clock ahead by twice ttl");
}

TEST_CASE("an instance and its copy: nothing goes early when one takes the place back (S6)") {
  World world;
  world.copied = true;
  world.ttl = 1;
  world.end = 4;
  world.receipts = 1;
  world.retirements = 0;
  check(world, "a copy that comes to its end");
  world.retirements = 1;
  world.end = 3;
  check(world, "… or is retired");
  world.instances = 3;
  world.offsets = {0, 0, 1};
  world.end = 14;
  world.ttl = 3;
  world.receipts = 3;
  const auto result = InstancesModel(world).walk(WALKS / 10, 1);
  CHECK_MESSAGE(result.violation.empty(), result.violation);
  CHECK(result.deletes > 0);
  world.mistake = Mistake::place_taken_from_living;
  CHECK_FALSE(InstancesModel(world).walk(WALKS / 10, 1).violation.empty());
}

TEST_CASE("three instances with clocks apart: nothing goes early in any of these walks (S6)") {
  World world;
  world.instances = 3;
  world.offsets = {0, 2, -2};
  world.ttl = 3;
  world.end = 14;
  world.receipts = 3;
  const auto result = InstancesModel(world).walk(WALKS, 1);
  CHECK_MESSAGE(result.violation.empty(), result.violation);
  CHECK(result.deletes > 0);
  MESSAGE(result.states << " walks, " << result.steps << " steps, " << result.deletes
                        << " deletes");
  world.mistake = Mistake::clocks_not_compared;
  CHECK_FALSE(InstancesModel(world).walk(WALKS, 1).violation.empty());
}

TEST_CASE("the model finds each mistake") {
  World world;
  world.ttl = 1;
  world.end = 3;
  world.receipts = 1;
  CHECK(finds(world, Mistake::cutoff_of_own_watermark));
  CHECK(finds(world, Mistake::cutoff_not_remembered));
  CHECK(finds(world, Mistake::watermark_before_commit));
  CHECK(finds(world, Mistake::not_fenced));
  CHECK(finds(world, Mistake::fenced_without_lock));
  CHECK(finds(world, Mistake::clocks_not_compared));
  world.copied = true;
  world.retirements = 0;
  CHECK(finds(world, Mistake::place_taken_from_living));
}
