// Runs of ids, "1,2,3,", many at a time: what nearly all bytes of a callback are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "postoffice/types.hpp"

namespace postoffice::http {

/// Reads ids without a sign, each with the comma behind it, at most one space in front of it, as
/// many as there are and `ids` has room for; `count` says how many. Returns the byte behind the
/// last comma taken, which is `at` if there was none; null if a number was none of JSON's, or too
/// large. At least eight bytes in front of `at` must be readable.
///
/// It first looks for commas, a block at a time, and then reads what is between them. So no branch
/// depends on how many digits a number has, and several numbers are under way at once.
const char* scan_id_run(const char* at, const char* end, std::span<ObjectId> ids,
                        std::size_t& count);

constexpr std::size_t scan_block_size = 64;

/// One bit a byte of a block, the first byte's the lowest.
struct ScanMasks {
  std::uint64_t others = 0;  ///< no digits
  std::uint64_t commas = 0;
  std::size_t comma_count = 0;

  friend bool operator==(const ScanMasks&, const ScanMasks&) = default;
};

/// Each twice: for every processor, and with what every x86-64 has.
ScanMasks scan_masks(const char* block);
ScanMasks scan_masks_portable(const char* block);
std::uint64_t scan_spaces(const char* block);
std::uint64_t scan_spaces_portable(const char* block);

}  // namespace postoffice::http
