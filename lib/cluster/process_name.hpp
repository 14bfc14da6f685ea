// The default name of a process in the database.
#pragma once

#include <string>

namespace postoffice::cluster {

/// "host:pid".
std::string process_name();

}  // namespace postoffice::cluster
