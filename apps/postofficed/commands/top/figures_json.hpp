// The figures of `top` for programs.
#pragma once

#include <string>

#include "commands/top/figures.hpp"

namespace postofficed::top {

/// One object. What the daemon does not tell is left out; rates are of the time between the looks.
std::string to_json(const std::string& address, const Figures& figures);

}  // namespace postofficed::top
