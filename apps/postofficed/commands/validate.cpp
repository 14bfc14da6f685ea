#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "commands/check_configuration.hpp"
#include "commands/commands.hpp"
#include "commands/validate/trials.hpp"
#include "support/data_directory.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

void check_places(const Options& options, std::vector<std::string>& problems) {
  if (const auto failure = check_data_directory(options.data_dir))
    problems.push_back(failure.message);
  if (options.store.kind != StoreLocation::Kind::sqlite) return;
  const auto directory = std::filesystem::path(options.store.target).parent_path();
  std::error_code ignored;
  const bool ours = options.store.target.rfind(options.data_dir + "/", 0) == 0;
  if (!ours && !directory.empty() && !std::filesystem::is_directory(directory, ignored)) {
    problems.push_back("store: there is no directory " + directory.string());
  }
}

std::vector<Trial> try_all(const Options& options) {
  std::vector<Trial> trials{try_listening("listen", options.listen),
                            try_listening("admin-listen", options.admin_listen),
                            try_source(options.source), try_store(options)};
  if (options.queue.kind != QueueLocation::Kind::file) trials.push_back(try_broker(options));
  for (auto& trial : try_data_directory(options)) trials.push_back(std::move(trial));
  return trials;
}

const char* word_of(Trial::Result result) {
  switch (result) {
    case Trial::Result::ok: return "ok";
    case Trial::Result::warning: return "warning";
    case Trial::Result::unreachable: return "unreachable";
    case Trial::Result::wrong: return "wrong";
  }
  return "";
}

void print(const ParsedOptions& parsed, const std::vector<std::string>& mistakes,
           const std::vector<Trial>& trials) {
  for (const auto& option : parsed.shown) {
    std::printf("%-18s %s  (%s)\n", option.name.c_str(), option.value.c_str(),
                option.origin.c_str());
  }
  for (const auto& trial : trials) {
    std::printf("%-18s %-11s %s: %s\n", trial.part.c_str(), word_of(trial.result),
                trial.tried.c_str(), trial.found.c_str());
    if (!trial.next.empty()) std::printf("%-18s %-11s %s\n", "", "next:", trial.next.c_str());
  }
  if (!mistakes.empty()) return;
  const bool good = std::all_of(trials.begin(), trials.end(), [](const Trial& trial) {
    return trial.result < Trial::Result::unreachable;
  });
  std::printf("configuration is valid%s\n", good ? "" : ", but it cannot work now");
}

void print_json(const ParsedOptions& parsed, const std::vector<std::string>& mistakes,
                const std::vector<Trial>& trials) {
  Json json;
  json.begin_object().member("valid", mistakes.empty()).key("options").begin_array();
  for (const auto& option : parsed.shown) {
    json.begin_object()
        .member("name", option.name)
        .member("value", option.value)
        .member("origin", option.origin)
        .end_object();
  }
  json.end_array().key("mistakes").begin_array();
  for (const auto& mistake : mistakes) json.value(mistake);
  json.end_array().key("tried").begin_array();
  for (const auto& trial : trials) {
    json.begin_object()
        .member("part", trial.part)
        .member("tried", trial.tried)
        .member("result", word_of(trial.result))
        .member("found", trial.found)
        .member("next", trial.next)
        .end_object();
  }
  json.end_array().end_object();
  std::printf("%s\n", json.text().c_str());
}

// The worst decides about the exit code: what must be corrected here before what is away.
Failure verdict(const std::vector<std::string>& mistakes, const std::vector<Trial>& trials) {
  if (!mistakes.empty()) {
    std::string message = mistakes.front();
    for (std::size_t i = 1; i < mistakes.size(); ++i) message += "\n" + mistakes[i];
    return {ExitCode::configuration, message};
  }
  std::string message;
  bool wrong = false;
  for (const auto& trial : trials) {
    if (trial.result < Trial::Result::unreachable) continue;
    wrong = wrong || trial.result == Trial::Result::wrong;
    message += (message.empty() ? "" : "\n") + trial.part + ": " + trial.found;
  }
  if (message.empty()) return {};
  return {wrong ? ExitCode::configuration : ExitCode::unavailable, message};
}

}  // namespace

Failure validate(const ParsedOptions& parsed) {
  auto mistakes = find_mistakes(parsed.options);
  check_places(parsed.options, mistakes);
  std::vector<Trial> trials;
  if (parsed.options.online && mistakes.empty()) trials = try_all(parsed.options);
  (parsed.options.json ? print_json : print)(parsed, mistakes, trials);
  return verdict(mistakes, trials);
}

}  // namespace postofficed
