// Histories of the whole daemon but for its network and its real disk: the real pipeline and the
// real journal with its recovery, in one thread, under a disk, a clock, a source and a store that
// fail in every way. The same histories every time, so that a change is judged by itself; others by
// scripts/simulate.sh. POSTOFFICE_SEED=n POSTOFFICE_HISTORIES=1 repeats one history.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

#include "simulation/history.hpp"
#include "simulation/overload.hpp"

namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("nothing accepted is lost and nothing alive is deleted, in any history (I1 to I9)") {
  const auto first = number("POSTOFFICE_SEED", 1);
  const auto count = number("POSTOFFICE_HISTORIES", HISTORIES);
  std::uint64_t callbacks = 0;
  std::uint64_t crashes = 0;
  std::uint64_t violations = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (auto seed = first; seed < first + count && violations < 10; ++seed) {
    postoffice::simulation::History history(seed);
    const auto wrong = history.run();
    callbacks += history.oracle().callbacks();
    crashes += history.oracle().crashes();
    if (wrong.empty()) continue;
    ++violations;
    FAIL_CHECK(wrong << "; again: POSTOFFICE_SEED=" << seed << " POSTOFFICE_HISTORIES=1");
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  MESSAGE(count << " histories from seed " << first << ": " << callbacks << " callbacks accepted, "
                << crashes << " crashes and stops, " << violations << " violations, "
                << took.count() << " s");
}

TEST_CASE("whatever waits, rows are touched within a second and new ids fetched within five") {
  const auto first = number("POSTOFFICE_SEED", 1);
  const auto count = number("POSTOFFICE_OVERLOADS", 30);
  std::uint64_t ids = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    postoffice::simulation::Overload overload(seed);
    const auto wrong = overload.run();
    ids += overload.ids();
    if (!wrong.empty()) {
      FAIL_CHECK(wrong << "; again: POSTOFFICE_SEED=" << seed << " POSTOFFICE_OVERLOADS=1");
    }
  }
  MESSAGE(count << " bursts from seed " << first << ": " << ids << " ids too many");
}
