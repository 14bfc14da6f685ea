// Reads a whole journal without changing anything: what recovery and inspection share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "journal/file_system.hpp"
#include "journal/format.hpp"
#include "journal/segment_scanner.hpp"

namespace postoffice::journal {

/// A segment as found or made. Records lie in [block_size, end).
struct Segment {
  SegmentHeader header;
  std::string name;
  std::uint64_t size = 0;  ///< of the file
  std::uint64_t end = 0;
  Sequence last = 0;  ///< the newest sequence in it, or that of its predecessors
};

/// The files of a directory that are segments, or are named like segments.
struct SegmentFiles {
  std::vector<Segment> segments;      ///< by rising number
  std::vector<std::string> nonsense;  ///< named like segments, but are none of this queue
  std::uint64_t greatest_number = 0;  ///< in any header or name
};

/// Error::schema if one of them is of another version. `queue`: files of other queues are
/// nonsense; without it, the newest segment says which queue this is.
std::error_code load_segments(const Storage& storage, std::optional<std::uint64_t> queue,
                              SegmentFiles& files);

/// A stretch of sequences of which no valid record was found.
struct Damage {
  std::string name;  ///< of the file in which they should be
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Sequence first = 0;
  Sequence last = 0;
};

struct ScanResult {
  std::vector<Damage> lost;     ///< had been durable: corruption
  std::vector<Damage> damaged;  ///< nothing lost but bytes: a batch header, say
  std::uint64_t lost_records = 0;
  std::uint64_t torn_bytes = 0;
  Damage torn;            ///< where they are
  Sequence last = 0;      ///< of the last valid record, or what is known to be behind it
  Sequence greatest = 0;  ///< that anything speaks of
  Sequence durable = 0;   ///< the greatest that is proven to have been durable
  Timestamp newest{};
  std::uint64_t read_failures = 0;
  std::error_code error;  ///< a segment could not even be opened: the rest says nothing
};

using RecordVisitor = std::function<void(const Segment&, const ScannedRecord&,
                                         const std::vector<ObjectId>&, std::uint64_t batch_begin)>;

enum class ScanFrom { cursor, oldest };

/// Calls `visit` with every valid record, in order: of those that `cursor` does not cover, or of
/// all. Sets the `end` and `last` of the segments. Without ids, which takes half the time, they are
/// counted only.
ScanResult scan_journal(const Storage& storage, std::vector<Segment>& segments,
                        const std::optional<Cursor>& cursor, ScanFrom from,
                        const RecordVisitor& visit, bool with_ids = true);

}  // namespace postoffice::journal
