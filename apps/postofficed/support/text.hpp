// Helpers for the text of messages.
#pragma once

#include <cstdint>
#include <string>

namespace postofficed {

/// "1 callback", "3 callbacks".
inline std::string counted(std::uint64_t count, const char* noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace postofficed
