// Looks at a file queue without changing it, whether or not a daemon has it open.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postoffice/result.hpp"
#include "postoffice/types.hpp"

namespace postoffice {

/// One callback in the queue's files.
struct JournalRecord {
  std::string_view file;  ///< its name in the directory
  std::uint64_t offset = 0;
  Sequence sequence = 0;
  Timestamp received_at{};
  bool carried = false;       ///< requeued: appended again with its older receipt time
  bool acknowledged = false;  ///< no longer needed
  std::span<const ObjectId> ids;
};

/// A stretch of a file in which something is wrong.
struct JournalDamage {
  std::string file;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Sequence first = 0;  ///< of the callbacks that were lost; 0 if none were
  Sequence last = 0;
};

struct JournalSegment {
  std::string file;
  std::uint64_t number = 0;
  std::uint64_t epoch = 0;
  std::uint64_t bytes = 0;       ///< of the file
  std::uint64_t bytes_used = 0;  ///< up to the last valid batch
  Sequence first = 0;            ///< of the records found; 0 if there are none
  Sequence last = 0;
  std::uint64_t records = 0;
};

struct JournalSummary {
  std::uint64_t queue = 0;
  std::vector<JournalSegment> segments;
  bool cursor_found = false;
  Sequence acknowledged = 0;
  std::uint64_t records = 0;
  std::uint64_t ids = 0;
  std::uint64_t records_waiting = 0;  ///< not acknowledged
  std::uint64_t ids_waiting = 0;
  Sequence first = 0;
  Sequence last = 0;
  Timestamp oldest{};  ///< receipt times
  Timestamp newest{};
  std::uint64_t torn_bytes = 0;  ///< of a flush under way, or of one that a crash interrupted
  std::vector<JournalDamage> damage;
  std::uint64_t lost_records = 0;
  std::vector<std::string> unknown_files;  ///< named like segments, but not of this queue

  bool sound() const { return damage.empty() && unknown_files.empty(); }
};

using JournalVisitor = std::function<void(const JournalRecord&)>;

/// How much of the files has been looked at, from 0 to 1. It may begin again: see
/// inspect_journal().
using JournalProgress = std::function<void(double share)>;

/// Reads everything in `directory`, in order; `visit` may be empty. A running daemon may append and
/// delete segments meanwhile: late additions may not be seen, and neither is reported as damage.
/// Damage is in the summary and is not a failure. Failures are the system's (no such directory, for
/// example), and Error::schema for files of another version. `progress` is told every some thousand
/// callbacks; it begins again when the whole is read once more, because a daemon wrote meanwhile.
Result<JournalSummary> inspect_journal(const std::string& directory, const JournalVisitor& visit,
                                       const JournalProgress& progress = {});

}  // namespace postoffice
