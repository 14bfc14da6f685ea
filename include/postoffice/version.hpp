// The version; CMakeLists.txt reads it from here.
#pragma once

#define POSTOFFICE_VERSION "0.1.0"

namespace postoffice {

/// The version of the linked library (the macro is the version of the headers).
const char* version() noexcept;

}  // namespace postoffice
