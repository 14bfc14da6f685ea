// What a measurement was made with: what one wants to know of it years later.
#pragma once

#include <string>

#include "support/json.hpp"

namespace postofficed {

/// Members of the object that was begun: program, date, machine, and the disk of `directory`.
void write_machine(Json& json, const std::string& directory);

}  // namespace postofficed
