// Put into the generated copy of the tree (mutants.py): what MUTANT becomes there.
#pragma once

#include <cstdlib>
#include <string_view>

namespace postoffice {

/// Whether the environment variable POSTOFFICE_MUTANT names this one.
inline bool mutant_on(std::string_view name) {
  static const char* const given = std::getenv("POSTOFFICE_MUTANT");
  static const std::string_view chosen = given != nullptr ? given : "";
  return name == chosen;
}

}  // namespace postoffice
