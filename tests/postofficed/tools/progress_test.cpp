#include "support/progress.hpp"

#include <doctest/doctest.h>

using namespace postofficed;
using namespace std::chrono_literals;

TEST_CASE("a bar says how much is done, how long it took, and how long it will take") {
  CHECK(progress_line("reading", 0.25, 10s, 100) ==
        "reading  [######..................] 25 %  0:10, 0:30 left");
  CHECK(progress_line("reading", 0.5, 3'725s, 100) ==
        "reading  [############............] 50 %  1:02:05, 1:02:05 left");
  CHECK(progress_line("reading", 1.0, 61s, 100) ==
        "reading  [########################] 100 %  1:01");
}

TEST_CASE("without a share, or at its very beginning, nothing is guessed") {
  CHECK(progress_line("working", {}, 12s, 100) == "working  0:12");
  CHECK(progress_line("working", 0.001, 5s, 100) ==
        "working  [........................] 0 %  0:05");
  CHECK(progress_line("working", 0.0 / 0.0, 5s, 100) == "working  0:05");
}

TEST_CASE("a bar fits into its line, and a share into its bar") {
  CHECK(progress_line("reading", 0.5, 1s, 20).size() == 20);
  CHECK(progress_line("reading", 7.0, 1s, 100) == progress_line("reading", 1.0, 1s, 100));
  CHECK(progress_line("reading", -1.0, 1s, 100) == progress_line("reading", 0.0, 1s, 100));
}
