#include "journal/space_report.hpp"

#include <cstdio>

namespace postoffice::journal {
namespace {

constexpr auto between_lines = std::chrono::seconds(10);

std::string in_mib(std::uint64_t bytes) {
  if (bytes == FileQueue::Space::unknown) return "an unknown number of";
  char text[32];
  std::snprintf(text, sizeof text, "%.0f MiB", static_cast<double>(bytes) / (1 << 20));
  return text;
}

bool disk_forbids(const FileQueue::Space& space, std::uint64_t more) {
  return space.disk_free < more || space.disk_free - more < space.left_to_others;
}

std::string why(const FileQueue::Space& space, std::uint64_t more) {
  if (!disk_forbids(space, more)) {
    return "it has reached its limit of " + in_mib(space.limit);
  }
  return in_mib(space.disk_free) + " are free on the disk, and " + in_mib(space.left_to_others) +
         " of them are left to others";
}

}  // namespace

/// With a limit of two files, the second one is the spare: that is as it should be.
SpaceReport::Room SpaceReport::room(const FileQueue::Space& space) const {
  if (!space.growth_stopped) return Room::grows;
  if (space.spare_taken) return Room::spare_taken;
  const bool as_it_should_be =
      !disk_forbids(space, segment_bytes_) && space.held <= 2 * segment_bytes_;
  return as_it_should_be ? Room::grows : Room::stopped;
}

std::optional<SpaceReport::Line> SpaceReport::look(const FileQueue::Space& space, Time now) {
  const Room found = room(space);
  if (found == told_ || now < next_line_) return {};
  const bool better = found < told_;
  told_ = found;
  next_line_ = now + between_lines;
  switch (found) {
    case Room::grows:
      return Line{LogLevel::info, "files may be added again: it may hold " + in_mib(space.limit)};
    case Room::stopped:
      if (better)
        return Line{LogLevel::info, "there is a spare file again, but no room to add one"};
      return Line{LogLevel::warning, "no file may be added: " + why(space, segment_bytes_) +
                                         "; the spare file is left"};
    case Room::spare_taken: break;
  }
  return Line{LogLevel::warning,
              "the spare file is in use, and no file may be added: " + why(space, segment_bytes_) +
                  "; callbacks are refused once the newest file is full, unless ids end by then"};
}

}  // namespace postoffice::journal
