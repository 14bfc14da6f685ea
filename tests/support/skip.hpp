// A case that cannot try its fault here says so: it is skipped, not passed. A program all of whose
// cases were skipped ends with 77, which ctest shows as skipped. scripts/test.sh collects the lines
// ("skipped: <case>: <reason>") and counts them.
#pragma once

#include <string>

namespace postoffice::testing {

/// The running case was not tried; the caller returns from it.
void skip(const std::string& reason);

/// A part of the running case was not tried; the rest of it counts.
void skip_part(const std::string& reason);

/// Neither the running case nor any after it can be tried (a server is not installed, say).
[[noreturn]] void skip_rest(const std::string& reason);

}  // namespace postoffice::testing
