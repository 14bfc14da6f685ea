// Which daemon `top` looks at, and with what token.
#pragma once

#include "commands/top/look.hpp"
#include "options/options.hpp"

namespace postofficed::top {

/// --admin-listen as given. If it is not, what the daemon of --data-dir says of itself in its file
/// admin-address, else the default. The token is that of --admin-token-file, else the one in the
/// file admin-token of --data-dir, if it can be read.
Target find_target(const ParsedOptions& parsed);

}  // namespace postofficed::top
