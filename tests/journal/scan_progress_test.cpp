// What people are told while a large journal is read.
#include "journal/scan_progress.hpp"

#include <doctest/doctest.h>

using namespace postoffice::journal;
using namespace std::chrono_literals;

namespace {

Segment segment(std::uint64_t number, std::uint64_t size) {
  Segment made;
  made.header.number = number;
  made.size = size;
  return made;
}

/// The share told by the first of many records that tells one.
double next_share(ScanProgress& progress, const Segment& place, std::uint64_t offset) {
  for (int record = 0; record < 10'000; ++record) {
    if (const auto share = progress.pass(place, offset)) return *share;
  }
  return -1;
}

}  // namespace

TEST_CASE("a scan is as far as the bytes that lie before its record") {
  const std::vector<Segment> segments{segment(7, 1'000), segment(8, 3'000)};
  ScanProgress progress(segments);
  CHECK(progress.bytes() == 4'000);
  CHECK_FALSE(progress.pass(segments[0], 0));  // not with every record
  CHECK(next_share(progress, segments[0], 500) == 0.125);
  CHECK(next_share(progress, segments[1], 1'000) == 0.5);
  CHECK(next_share(progress, segment(99, 10), 0) == -1);  // one that came later
}

TEST_CASE("a start that takes long tells how far it is, every few seconds") {
  const OpeningReport::Time begun{};
  OpeningReport report(std::uint64_t{5} << 30, begun);
  CHECK(report.line(0.3, begun + 1'900ms).empty());
  CHECK(report.line(0.4, begun + 2s) == "opening: 40 % of 5120 MiB read");
  CHECK(report.line(0.5, begun + 4s).empty());
  CHECK(report.line(0.996, begun + 5s) == "opening: 99 % of 5120 MiB read");
}
