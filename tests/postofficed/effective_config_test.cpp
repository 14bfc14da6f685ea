// --print-config: what it prints can be used as a config file.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "options/options.hpp"
#include "postofficed/temporary_file.hpp"

using namespace postofficed;

namespace {

std::variant<ParsedOptions, Information, Problems> parse(
    const std::vector<std::string>& arguments) {
  return parse_options(arguments,
                       [](const std::string&) -> std::optional<std::string> { return {}; });
}

std::string printed(std::vector<std::string> arguments) {
  arguments.emplace_back("--print-config");
  auto result = parse(arguments);
  REQUIRE(std::holds_alternative<Information>(result));
  return std::get<Information>(std::move(result)).text;
}

std::vector<std::pair<std::string, std::string>> values_of(
    const std::variant<ParsedOptions, Information, Problems>& result) {
  if (const auto* problems = std::get_if<Problems>(&result)) {
    for (const auto& message : problems->messages) MESSAGE(message);
  }
  REQUIRE(std::holds_alternative<ParsedOptions>(result));
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto& option : std::get<ParsedOptions>(result).shown)
    values.emplace_back(option.name, option.value);
  return values;
}

}  // namespace

TEST_CASE("a daemon that is given the printed configuration has the same") {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {},
           {"--ttl", "45s", "--keep", "online", "--data-dir", " with spaces "},
           {"--data-dir", "\"quoted\"", "--journal-strict", "--queue-limit", "10GiB"},
           {"--store", "host=h dbname=d user=u", "--log-level", "debug"}}) {
    const TemporaryFile file(printed(arguments));
    CHECK(values_of(parse({"--config", file.path()})) == values_of(parse(arguments)));
  }
}

TEST_CASE("each value is below the place that it comes from") {
  const auto text = printed({"--ttl", "45s"});
  CHECK(text.find("\n# --ttl\nttl = 45s\n") != std::string::npos);
  CHECK(text.find("\n# default\nkeep = all\n") != std::string::npos);
  const auto worker = printed({"worker", "7", "--fetch-concurrency", "5"});
  CHECK(worker.find("\n# worker 7\nfetch-concurrency = 7\n") != std::string::npos);
}

TEST_CASE("no password is printed, and one that has a file of its own stays usable") {
  const auto text = printed(
      {"--store", "postgresql://u:HUNTER2@h/db", "--source", "http://h/{id}?token=HUNTER2"});
  CHECK(text.find("HUNTER2") == std::string::npos);
  CHECK(text.find("# --store; what is secret is hidden\nstore = postgresql://u:***@h/db\n") !=
        std::string::npos);

  const TemporaryFile secret("postgresql://u:HUNTER2@h/db\n");
  const TemporaryFile config(printed({"--store-file", secret.path()}));
  std::ifstream stream(config.path());
  const std::string content((std::istreambuf_iterator<char>(stream)), {});
  CHECK(content.find("HUNTER2") == std::string::npos);
  const auto again = parse({"--config", config.path()});
  REQUIRE(std::holds_alternative<ParsedOptions>(again));
  CHECK(std::get<ParsedOptions>(again).options.store.target == "postgresql://u:HUNTER2@h/db");
}

TEST_CASE("a configuration with mistakes is not printed") {
  CHECK(std::holds_alternative<Problems>(parse({"--ttl", "x", "--print-config"})));
}
