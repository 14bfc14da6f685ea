// The version; CMakeLists.txt reads it from here.
#pragma once

#define POSTOFFICE_VERSION "0.1.0"

namespace postoffice {

/// The version of the library that was linked (the macro is that of the headers).
const char* version() noexcept;

}  // namespace postoffice
