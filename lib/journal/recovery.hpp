// Opens a journal: everything that happens before anything is appended.
#pragma once

#include <utility>
#include <vector>

#include "codec/sliding_minimum.hpp"
#include "journal/journal_scan.hpp"
#include "postoffice/defaults/file_queue.hpp"

namespace postoffice::journal {

struct Recovered {
  std::uint64_t queue = 0;
  std::uint64_t epoch = 0;        ///< of the run that begins
  std::uint64_t next_number = 0;  ///< of the next segment
  Sequence acknowledged = 0;
  Sequence last_found = 0;  ///< of the newest callback that will be read again
  Sequence last = 0;        ///< as the next segment states it of its predecessor
  Sequence greatest = 0;    ///< no sequence up to here is used again
  Timestamp newest{};
  std::vector<Segment> segments;
  /// Sequences before last_found that will not be read: lost, or never used. A limited number.
  std::vector<std::pair<Sequence, Sequence>> gaps;
  std::uint64_t backlog_number = 0;  ///< the segment of the first callback to read; 0: none
  std::uint64_t backlog_offset = 0;  ///< of its batch
  codec::SlidingMinimum waiting;     ///< of all callbacks that will be read again
  bool spare_ready = false;
  bool durable = true;  ///< false: of what the newest segment holds some may go with the power
  FileQueueRecovery report;
};

struct RecoveryOptions {
  std::uint64_t segment_bytes = 0;
  bool strict = false;
};

/// After a crash anywhere in here, a second call finds the same. Fails with Error::corrupt (strict
/// only), Error::schema, or the system's error.
std::error_code recover(const Storage& storage, const RecoveryOptions& options, const Log& log,
                        Recovered& recovered);

}  // namespace postoffice::journal
