// Random numbers: unique names of queues, publishers and sessions, and seeds.
#pragma once

#include <cstdint>
#include <random>

namespace postoffice {

/// From the system's source of randomness.
inline std::uint64_t random_uint64() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace postoffice
