// Finds the process that holds the lock on a directory.
#pragma once

#include <string>

namespace postofficed {

/// "process 123 (postofficed)" for the process that holds a lock on a file in `directory`; empty if
/// the system does not show it (for example one in another container).
std::string lock_holder(const std::string& directory);

}  // namespace postofficed
