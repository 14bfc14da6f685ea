// Runs of ids, "1,2,3,", many at a time: nearly all bytes of a callback are such runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "postoffice/types.hpp"

namespace postoffice::http {

/// Reads ids without a sign, each followed by a comma and preceded by at most one space: as many as
/// there are, up to the room in `ids`. Sets `count` to their number. Returns the byte after the
/// last comma read, or `at` if there was none; null if a number is not valid in JSON or is too
/// large. At least eight bytes in front of `at` must be readable.
const char* scan_id_run(const char* at, const char* end, std::span<ObjectId> ids,
                        std::size_t& count);

constexpr std::size_t scan_block_size = 64;

/// One bit for each byte of a block, the first byte in the lowest bit.
struct ScanMasks {
  std::uint64_t others = 0;  ///< all that are not digits, commas included
  std::uint64_t commas = 0;
  std::size_t comma_count = 0;

  friend bool operator==(const ScanMasks&, const ScanMasks&) = default;
};

/// Each in two versions: a portable one, and one with SSE2, which every x86-64 has.
ScanMasks scan_masks(const char* block);
ScanMasks scan_masks_portable(const char* block);
std::uint64_t scan_spaces(const char* block);
std::uint64_t scan_spaces_portable(const char* block);

}  // namespace postoffice::http
