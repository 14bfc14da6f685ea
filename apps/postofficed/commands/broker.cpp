#include "commands/commands.hpp"

namespace postofficed {

Failure broker_command(const Options& options) {
  const std::string name = options.command == Command::serve ? "serve" : "worker";
  return {ExitCode::configuration,
          name + " needs a broker between it and its peers, and --queue is file:" +
              options.queue.directory +
              "; RabbitMQ support is not built in. Use the command run, which does everything"};
}

}  // namespace postofficed
