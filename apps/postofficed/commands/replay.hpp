// Receiving ids again, whether or not a daemon runs.
#pragma once

#include <vector>

#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/log.hpp"
#include "postoffice/types.hpp"

namespace postofficed {

/// Makes new receipts of `ids`, stamped now. A daemon that runs on this data directory gets them
/// as callbacks; otherwise they are appended to its queue for the next start.
Failure replay(const Options& options, const std::vector<postoffice::ObjectId>& ids,
               const postoffice::Log& log);

}  // namespace postofficed
