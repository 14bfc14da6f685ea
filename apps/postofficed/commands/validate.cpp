#include <cstdio>
#include <filesystem>
#include <vector>

#include "commands/check_configuration.hpp"
#include "commands/commands.hpp"
#include "support/data_directory.hpp"
#include "support/stores.hpp"

namespace postofficed {
namespace {

void check_places(const Options& options, std::vector<std::string>& problems) {
  if (const auto failure = check_data_directory(options.data_dir))
    problems.push_back(failure.message);
  if (options.store.kind != StoreLocation::Kind::sqlite) return;
  const auto directory = std::filesystem::path(options.store.target).parent_path();
  const bool ours = options.store.target.rfind(options.data_dir + "/", 0) == 0;
  if (!ours && !directory.empty() && !std::filesystem::is_directory(directory)) {
    problems.push_back("store: there is no directory " + directory.string());
  }
}

}  // namespace

Failure validate(const ParsedOptions& parsed) {
  auto problems = find_mistakes(parsed.options);
  check_places(parsed.options, problems);
  for (const auto& option : parsed.shown) {
    std::printf("%-18s %s  (%s)\n", option.name.c_str(), option.value.c_str(),
                option.origin.c_str());
  }
  if (problems.empty()) {
    if (parsed.options.online) {
      if (const auto failure = check_store(parsed.options.store))
        return {failure.code, "store: " + failure.text()};
    }
    std::printf("configuration is valid\n");
    return {};
  }
  std::string message = problems.front();
  for (std::size_t i = 1; i < problems.size(); ++i) message += "\n" + problems[i];
  return {ExitCode::configuration, message};
}

}  // namespace postofficed
