// Who holds the lock on a directory.
#pragma once

#include <string>

namespace postofficed {

/// "process 123 (postofficed)" for whoever holds a lock on a file in `directory`; empty if the
/// system does not say (another container, say).
std::string lock_holder(const std::string& directory);

}  // namespace postofficed
