// What the operating system reports about this process.
#pragma once

#include <cstdint>

namespace postofficed {

struct ProcessStatus {
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t threads = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
  double processor_seconds = 0;
  double start_seconds = 0;  ///< since the epoch
};

/// Fields that cannot be read stay 0.
ProcessStatus read_process_status();

}  // namespace postofficed
