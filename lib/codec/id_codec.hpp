// The ids of a record: sorted, distinct, and as the distances between them, bit by bit.
//
// docs/queue_format.md defines the bytes; docs/decisions/0024-distances-in-bits.md says why these.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// Appends the coded ids to `out`. They must be sorted and distinct.
void encode_ids(std::span<const ObjectId> ids, std::vector<std::byte>& out);

/// How many ids a payload holds that is what encode_ids() writes.
std::size_t count_ids(std::span<const std::byte> payload);

/// Appends the decoded ids to `out`. False, and `out` as it was, if `payload` is not what
/// encode_ids() writes.
bool decode_ids(std::span<const std::byte> payload, std::vector<ObjectId>& out);

}  // namespace postoffice::codec
