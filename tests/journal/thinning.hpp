// How thoroughly the exhaustive tests go about it.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace postoffice::journal {

/// Every n-th state is looked at: all of them in an optimised build. Sanitizers look for other
/// things and take their time. POSTOFFICE_EVERY says otherwise.
inline std::size_t every() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
  constexpr std::size_t otherwise = 17;
#else
  constexpr std::size_t otherwise = 1;
#endif
  const char* given = std::getenv("POSTOFFICE_EVERY");
  const auto number = given != nullptr ? std::strtoull(given, nullptr, 10) : 0;
  return number > 0 ? number : otherwise;
}

}  // namespace postoffice::journal
