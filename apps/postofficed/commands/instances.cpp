#include "commands/commands.hpp"

namespace postofficed {

// 78 rather than 69: no service is missing that could come back, this build has no such thing.
Failure instances(const Options&) {
  return {ExitCode::configuration,
          "this version has no shared instances: one daemon, one database"};
}

}  // namespace postofficed
