#include <cstdio>

#include "commands/commands.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"
#include "support/stores.hpp"

namespace postofficed {

Failure migrate(const Options& options) {
  const auto& store = options.store;
  std::string message;
  const bool inside = store.kind == StoreLocation::Kind::sqlite &&
                      store.target.rfind(options.data_dir + "/", 0) == 0;
  if (inside && !prepare_data_directory(options.data_dir, message)) {
    return {ExitCode::journal, message};
  }
  if (const auto error = migrate_store(store, message)) {
    const bool hopeless = error == postoffice::Error::bad_options;
    return {hopeless ? ExitCode::configuration : ExitCode::unavailable,
            "migrate " + describe(store) + ": " + (message.empty() ? error.message() : message)};
  }
  std::printf("the schema of %s is up to date\n", describe(store).c_str());
  return {};
}

}  // namespace postofficed
