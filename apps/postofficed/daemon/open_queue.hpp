// The queue on the disk, opened as the options say.
#pragma once

#include <memory>

#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/clock.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// Sets `queue` and logs what was found in it, damage included; or returns why it cannot be opened,
/// and which process holds the directory, if one does.
Failure open_queue(const Options& options, postoffice::Clock& clock, const postoffice::Log& log,
                   std::unique_ptr<postoffice::FileQueue>& queue);

/// Logs "ready" once callbacks can be made durable in `queue` (null: at once), or after a short
/// wait that they cannot be.
void tell_ready(const postoffice::FileQueue* queue, const postoffice::Log& log);

}  // namespace postofficed
