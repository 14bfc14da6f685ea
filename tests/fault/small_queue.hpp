// A file queue that soon needs its next file.
#pragma once

#include <string>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/testing/manual_clock.hpp"

namespace postoffice::testing {

inline FileQueueOptions small_queue(const std::string& directory) {
  FileQueueOptions options;
  options.directory = directory;
  options.segment_bytes = 24 << 10;  // a header and five flushes
  return options;
}

}  // namespace postoffice::testing
