#include "daemon/memory_limit.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

namespace postofficed {
namespace {

// Measured (scripts/bench.sh core), with a margin: a waiting id, in a table of known ones.
constexpr std::uint64_t bytes_of_pending = 140;
constexpr std::uint64_t bytes_of_known = 32;
constexpr std::uint64_t bytes_of_waiting = 8;

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

/// "max" is not a number, and means no limit.
std::uint64_t number_in(const std::string& file) {
  std::uint64_t number = 0;
  return std::ifstream(file) >> number ? number : no_limit;
}

/// The machine's, from "MemTotal: 123 kB".
std::uint64_t total_memory(const std::string& root) {
  std::ifstream file(root + "/proc/meminfo");
  for (std::string name; file >> name;) {
    std::uint64_t kib = 0;
    if (name == "MemTotal:" && file >> kib) return kib << 10;
  }
  return no_limit;
}

/// The smallest limit of a group and those above it. In a container the paths above may not exist:
/// then the container's own group is mounted.
std::uint64_t least_of(const std::string& hierarchy, std::string group, const std::string& file) {
  auto least = number_in(hierarchy + "/" + file);
  while (!group.empty() && group != "/") {
    least = std::min(least, number_in(hierarchy + group + "/" + file));
    group.resize(group.rfind('/'));
  }
  return least;
}

bool names_memory(const std::string& controllers) {
  return ("," + controllers + ",").find(",memory,") != std::string::npos;
}

}  // namespace

std::uint64_t memory_limit(const std::string& root) {
  auto limit = total_memory(root);
  const auto groups = root + "/sys/fs/cgroup";
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // number:controllers:/group
    std::istringstream fields(line);
    std::string number, controllers, group;
    std::getline(fields, number, ':');
    std::getline(fields, controllers, ':');
    std::getline(fields, group);
    if (group.empty() || group.front() != '/') continue;
    if (controllers.empty()) limit = std::min(limit, least_of(groups, group, "memory.max"));
    if (!names_memory(controllers)) continue;
    limit = std::min(limit, least_of(groups + "/memory", group, "memory.limit_in_bytes"));
  }
  return limit;
}

void fit_memory(std::uint64_t limit, std::size_t count, postoffice::PipelineOptions& pipeline) {
  const auto share = limit / count / 8;  // a quarter of the half, for each of the three
  const auto fit = [share](std::size_t most, std::uint64_t bytes) {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(share / bytes, 900, most));
  };
  pipeline.pending_ids_max = fit(pipeline.pending_ids_max, bytes_of_pending);
  pipeline.known_ids_max = fit(pipeline.known_ids_max, bytes_of_known);
  pipeline.waiting_ids_max = fit(pipeline.waiting_ids_max, bytes_of_waiting);
}

void fit_memory(std::uint64_t limit, postoffice::FileQueueOptions& queue) {
  queue.memory_bytes_max =
      static_cast<std::size_t>(std::min<std::uint64_t>(queue.memory_bytes_max, limit / 16));
  queue.buffer_bytes_max =
      static_cast<std::size_t>(std::min<std::uint64_t>(queue.buffer_bytes_max, limit / 16));
}

}  // namespace postofficed
