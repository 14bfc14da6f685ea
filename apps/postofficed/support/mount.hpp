// What is mounted at a place, and what that is good for.
#pragma once

#include <cstdint>
#include <string>

#include "exit_code.hpp"

namespace postofficed {

struct Mount {
  std::string type = "unknown";  ///< ext4, xfs, tmpfs, …
  std::string device;            ///< as the mount names it
  std::string place;             ///< where it is mounted
};

Mount find_mount(const std::string& directory);

/// Why such a file system may not keep what was synced; empty if nothing is known against it.
std::string objection_to(const std::string& type);

struct Space {
  std::uint64_t free_bytes = 0;
  bool counts_bytes = true;  ///< memory without a limit does not
  std::uint64_t free_names = 0;
  bool counts_names = true;  ///< some file systems make inodes as they need them
};

Result<Space> find_space(const std::string& directory);

}  // namespace postofficed
