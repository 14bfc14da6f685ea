// Counts allocations: link allocation_count.cpp, which replaces the global operator new.
#pragma once

#include <cstdint>

namespace postoffice::testing {

/// Calls of operator new in this process so far, in all threads.
std::uint64_t allocation_count();

}  // namespace postoffice::testing
