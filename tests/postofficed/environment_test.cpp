#include "options/environment.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "options/options.hpp"

using namespace postofficed;

namespace {

std::vector<std::string> problems_with(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> names;
  for (const auto& [name, value] : variables) names.push_back(name);
  const auto result =
      parse_options({}, {[&](const std::string& name) -> std::optional<std::string> {
                           const auto found = variables.find(name);
                           if (found == variables.end()) return std::nullopt;
                           return found->second;
                         },
                         names});
  const auto* problems = std::get_if<Problems>(&result);
  if (!problems) return {};
  CHECK(problems->code == ExitCode::configuration);
  return problems->messages;
}

/// Those that are the first argument of the calls by which tests read them.
std::vector<std::string> variables_read_in(const std::string& source) {
  std::vector<std::string> names;
  for (const std::string call : {"getenv(\"", "number(\"", "number_from(\""}) {
    for (auto at = source.find(call); at != std::string::npos; at = source.find(call, at + 1)) {
      const auto begin = at + call.size();
      auto name = source.substr(begin, source.find('"', begin) - begin);
      if (name.starts_with("POSTOFFICE_")) names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace

TEST_CASE("a variable that is no option is an error with the nearest name") {
  CHECK(problems_with({{"POSTOFFICE_TLL", "5s"}}) ==
        std::vector<std::string>{
            "POSTOFFICE_TLL: there is no such option; did you mean POSTOFFICE_TTL?"});
  CHECK(problems_with({{"POSTOFFICE_STORE_FIEL", "x"}}) ==
        std::vector<std::string>{"POSTOFFICE_STORE_FIEL: there is no such option; did you mean "
                                 "POSTOFFICE_STORE_FILE?"});
  CHECK(problems_with({{"POSTOFFICE_WHATEVER", "x"}}) ==
        std::vector<std::string>{
            "POSTOFFICE_WHATEVER: there is no such option (see postofficed --help)"});
  CHECK(problems_with({{"POSTOFFICE_TLL", "5s"}, {"POSTOFFICE_LISTN", "5"}}).size() == 2);
}

TEST_CASE("variables of others are not looked at") {
  CHECK(problems_with({{"POSTOFFICE_TLL", ""}, {"POSTOFFICED_X", "1"}, {"POST", "1"}}).empty());
  CHECK(problems_with({{"POSTOFFICE_CONFIG", ""}, {"POSTOFFICE_TTL", "5s"}}).empty());
}

// A Service called postoffice, or postoffice-callback, must not keep the daemon from starting.
TEST_CASE("what Kubernetes sets for a Service of this name is not taken for an option") {
  CHECK(problems_with({{"POSTOFFICE_SERVICE_HOST", "10.0.0.1"},
                       {"POSTOFFICE_SERVICE_PORT", "9090"},
                       {"POSTOFFICE_SERVICE_PORT_ADMIN", "9091"},
                       {"POSTOFFICE_PORT", "tcp://10.0.0.1:9090"},
                       {"POSTOFFICE_PORT_9090_TCP", "tcp://10.0.0.1:9090"},
                       {"POSTOFFICE_PORT_9090_TCP_PROTO", "tcp"},
                       {"POSTOFFICE_PORT_9090_TCP_PORT", "9090"},
                       {"POSTOFFICE_PORT_9090_TCP_ADDR", "10.0.0.1"},
                       {"POSTOFFICE_CALLBACK_SERVICE_HOST", "10.0.0.1"},
                       {"POSTOFFICE_CALLBACK_PORT", "tcp://10.0.0.1:9090"}})
            .empty());
  CHECK(problems_with({{"POSTOFFICE_PORT", "9090"}}).size() == 1);
}

// Tests start daemons, which inherit their variables.
TEST_CASE("every variable that a test of this project reads is one that daemons let pass") {
  int found = 0;
  for (const char* folder : {"tests", "bench", "examples"}) {
    const auto root = std::filesystem::path(POSTOFFICE_TREE) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
      std::stringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      for (const auto& name : variables_read_in(text.str())) {
        CAPTURE(name);
        CHECK(is_foreign(name, "1"));
        ++found;
      }
    }
  }
  CHECK(found > 10);
}
