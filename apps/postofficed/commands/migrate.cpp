#include <chrono>
#include <cstdio>
#include <future>

#include "commands/commands.hpp"
#include "support/data_directory.hpp"
#include "support/json.hpp"
#include "support/progress.hpp"
#include "support/stores.hpp"

namespace postofficed {
namespace {

// How far a server is with its script it does not say; that it takes a while can be seen.
Failure migrate_and_wait(const StoreLocation& store) {
  Progress progress("bringing the schema up to date");
  auto done = std::async(std::launch::async, [&] { return migrate_store(store); });
  while (done.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready) {
    progress.update();
  }
  return done.get();
}

void print_json(const StoreLocation& store, const Failure& failure) {
  Json json;
  json.begin_object().member("store", describe(store)).member("up_to_date", !failure);
  if (failure) json.member("error", failure.text());
  json.end_object();
  std::printf("%s\n", json.text().c_str());
}

}  // namespace

Failure migrate(const Options& options) {
  const auto& store = options.store;
  const bool inside = store.kind == StoreLocation::Kind::sqlite &&
                      store.target.rfind(options.data_dir + "/", 0) == 0;
  if (inside) {
    if (auto failure = prepare_data_directory(options.data_dir)) return failure;
  }
  const auto failure = migrate_and_wait(store);
  if (options.json) print_json(store, failure);
  if (failure) return {failure.code, "migrate " + describe(store) + ": " + failure.text()};
  if (!options.json) std::printf("the schema of %s is up to date\n", describe(store).c_str());
  return {};
}

}  // namespace postofficed
