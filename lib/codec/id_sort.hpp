// Puts the ids of a callback in order.
#pragma once

#include <span>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// The given ids, sorted and distinct. If they are so already, they are returned in place, else in
/// `space`, which the caller keeps so that later calls allocate nothing.
std::span<const ObjectId> sort_ids(std::span<const ObjectId> ids, std::vector<ObjectId>& space);

}  // namespace postoffice::codec
