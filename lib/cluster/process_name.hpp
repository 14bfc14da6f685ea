// What a process is called in the database unless somebody gives it a better name.
#pragma once

#include <string>

namespace postoffice::cluster {

/// "host:pid".
std::string process_name();

}  // namespace postoffice::cluster
