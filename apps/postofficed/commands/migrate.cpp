#include <cstdio>

#include "commands/commands.hpp"
#include "support/data_directory.hpp"
#include "support/stores.hpp"

namespace postofficed {

Failure migrate(const Options& options) {
  const auto& store = options.store;
  const bool inside = store.kind == StoreLocation::Kind::sqlite &&
                      store.target.rfind(options.data_dir + "/", 0) == 0;
  if (inside) {
    if (auto failure = prepare_data_directory(options.data_dir)) return failure;
  }
  if (const auto failure = migrate_store(store))
    return {failure.code, "migrate " + describe(store) + ": " + failure.text()};
  std::printf("the schema of %s is up to date\n", describe(store).c_str());
  return {};
}

}  // namespace postofficed
