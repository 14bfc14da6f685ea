// What is logged about the room for the queue. No system calls, no locks.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/log.hpp"

namespace postoffice::journal {

/// One line when the queue stops growing, one when its spare file is in use as well, and one when
/// it may grow again; not more often than every ten seconds.
class SpaceReport {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Line {
    LogLevel level;
    std::string text;
  };

  explicit SpaceReport(std::uint64_t segment_bytes) : segment_bytes_(segment_bytes) {}

  std::optional<Line> look(const FileQueue::Space& space, Time now);

 private:
  enum class Room { grows, stopped, spare_taken };

  Room room(const FileQueue::Space& space) const;

  const std::uint64_t segment_bytes_;
  Room told_ = Room::grows;
  Time next_line_{};
};

}  // namespace postoffice::journal
