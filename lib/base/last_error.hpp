// The error of the newest system call.
#pragma once

#include <cerrno>
#include <system_error>

namespace postoffice {

/// Call it before anything else can change errno.
inline std::error_code last_error() { return {errno, std::system_category()}; }

}  // namespace postoffice
