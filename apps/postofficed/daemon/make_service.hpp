// From options to the service that does what they say.
#pragma once

#include <memory>

#include "daemon/passed_sockets.hpp"
#include "daemon/service.hpp"
#include "exit_code.hpp"
#include "options/options.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// Options that are right each for itself and cannot work together.
Failure check_service(const Options& options);

/// For the commands run, serve and worker, with options that have been checked.
std::unique_ptr<Service> make_service(ParsedOptions parsed, PassedSockets sockets,
                                      postoffice::Log log);

}  // namespace postofficed
