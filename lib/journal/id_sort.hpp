// Puts the ids of a callback in order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::journal {

/// Room that sort_ids() works in; kept by the caller, so that nothing is allocated once it has
/// grown.
struct SortSpace {
  std::vector<ObjectId> ids;
  std::vector<std::uint32_t> keys, other;
};

/// The given ids, sorted and distinct. They are left where they are if they are so already, else
/// they lie in `space`; valid until the next call with it.
std::span<const ObjectId> sort_ids(std::span<const ObjectId> ids, SortSpace& space);

}  // namespace postoffice::journal
