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

/// The number of ids in a payload that encode_ids() wrote.
std::size_t count_ids(std::span<const std::byte> payload);

/// Appends the decoded ids to `out`. If encode_ids() cannot have written `payload`: false, and
/// `out` is unchanged.
bool decode_ids(std::span<const std::byte> payload, std::vector<ObjectId>& out);

}  // namespace postoffice::codec
