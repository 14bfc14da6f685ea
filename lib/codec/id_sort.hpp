// Puts the ids of a callback in order.
#pragma once

#include <span>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// The given ids, sorted and distinct. They are left where they are if they are so already, else
/// they lie in `space`, which the caller keeps so that nothing is allocated once it has grown.
std::span<const ObjectId> sort_ids(std::span<const ObjectId> ids, std::vector<ObjectId>& space);

}  // namespace postoffice::codec
