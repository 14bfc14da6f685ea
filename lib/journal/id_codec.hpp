// The payload of a record: sorted distinct ids as varints of their distances.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::journal {

/// Appends the coded ids to `out`. They must be sorted and distinct.
void encode_ids(std::span<const ObjectId> ids, std::vector<std::byte>& out);

/// How many ids a payload holds that is what encode_ids() writes.
std::size_t count_ids(std::span<const std::byte> payload);

/// Appends the decoded ids to `out`. False, and `out` as it was, if `payload` is not what
/// encode_ids() writes.
bool decode_ids(std::span<const std::byte> payload, std::vector<ObjectId>& out);

}  // namespace postoffice::journal
