#include "options/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <string_view>

namespace postofficed {
namespace {

// Programs that start daemons under test are told what to do by these. Exact names, since a prefix
// for each would hide misspelt options: POSTOFFICE_STORE_… is one, and an option.
constexpr std::array tests_own{
    "POSTOFFICE_EVERY",
    "POSTOFFICE_FLOOD",
    "POSTOFFICE_FREEZE_SECONDS",
    "POSTOFFICE_HISTORIES",
    "POSTOFFICE_HOURS",
    "POSTOFFICE_MUTANT",
    "POSTOFFICE_MUTANT_SECONDS",
    "POSTOFFICE_OVERLOADS",
    "POSTOFFICE_PYTHON",
    "POSTOFFICE_QUEUE_CONFORMANCE",
    "POSTOFFICE_SECOND_TRIES",
    "POSTOFFICE_SEED",
    "POSTOFFICE_SOURCE_DIR",
    "POSTOFFICE_STORE_CONFORMANCE",
    "POSTOFFICE_TESTER",
    "POSTOFFICE_TRACE",
    "POSTOFFICE_TRIALS",
    "POSTOFFICE_WAITING_IDS",
    "POSTOFFICE_WAITING_IDS_IN_EACH",
};

// No option begins like these.
constexpr std::array<std::string_view, 4> tests_prefixes{"POSTOFFICE_TEST_", "POSTOFFICE_BENCH_",
                                                         "POSTOFFICE_FUZZ_", "POSTOFFICE_SOAK_"};

bool names_protocol(std::string_view text) {
  return text.starts_with("TCP") || text.starts_with("UDP") || text.starts_with("SCTP");
}

/// "…_PORT_9090_TCP", "…_PORT_9090_TCP_ADDR".
bool is_port_of_service(std::string_view name) {
  constexpr std::string_view port = "_PORT_";
  const auto place = name.find(port);
  if (place == std::string_view::npos) return false;
  name.remove_prefix(place + port.size());
  const auto digits = name.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && name[digits] == '_' &&
         names_protocol(name.substr(digits + 1));
}

// For each Service of the namespace, every pod gets the variables of Docker's links; a Service
// called postoffice must not keep the daemon from starting.
bool is_of_kubernetes(std::string_view name, std::string_view value) {
  const auto scheme = value.substr(0, value.find("://"));
  const bool address = scheme == "tcp" || scheme == "udp" || scheme == "sctp";
  return name.ends_with("_SERVICE_HOST") || name.find("_SERVICE_PORT") != std::string_view::npos ||
         is_port_of_service(name) || (name.ends_with("_PORT") && address);
}

}  // namespace

Environment process_environment() {
  std::vector<std::string> names;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text = *variable;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (!value) return std::nullopt;
            return std::string(value);
          },
          std::move(names)};
}

std::string environment_name(const std::string& key) {
  std::string name = "POSTOFFICE_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

bool is_foreign(const std::string& name, const std::string& value) {
  const auto begins = [&](std::string_view prefix) { return name.starts_with(prefix); };
  return std::any_of(tests_prefixes.begin(), tests_prefixes.end(), begins) ||
         std::find(tests_own.begin(), tests_own.end(), name) != tests_own.end() ||
         is_of_kubernetes(name, value);
}

}  // namespace postofficed
