// A proxy in front of the daemon, with the settings that deploy/proxies/ recommends.
#pragma once

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/http_call.hpp"
#include "support/process.hpp"

namespace postoffice::testing {

/// What is to be replaced in a recommended configuration: ports, and what the test's own place
/// needs.
using Replacements = std::vector<std::pair<std::string, std::string>>;

class Front {
 public:
  struct Kind {
    std::string name;           ///< for people
    std::string program;        ///< its path
    std::string configuration;  ///< a file of deploy/proxies/
    /// The command, given the test's directory, the adapted configuration in it, and the port.
    std::vector<std::string> (*command)(const std::string& directory, const std::string& file,
                                        const std::string& port);
    Replacements more{};
  };

  struct Ports {
    std::uint16_t front = 0;
    std::uint16_t callbacks = 0;
    std::uint16_t admin = 0;
  };

  Front(const Kind& kind, const Ports& ports) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0777));
    std::string text = content_of(std::string(PROXY_CONFIGURATIONS "/") + kind.configuration);
    REQUIRE(!text.empty());
    for (const auto& [from, to] : kind.more) replace(text, from, to);
    // In two steps: a free port may contain the digits of another.
    const Replacements replacements{{"8080", "@FRONT@"},
                                    {"9090", "@CALLBACKS@"},
                                    {"9091", "@ADMIN@"},
                                    {"@FRONT@", std::to_string(ports.front)},
                                    {"@CALLBACKS@", std::to_string(ports.callbacks)},
                                    {"@ADMIN@", std::to_string(ports.admin)}};
    for (const auto& [from, to] : replacements) replace(text, from, to);
    replace(text, "DIRECTORY", directory_.path());
    const auto file = directory_ / kind.configuration;
    std::ofstream(file) << text;
    process_ = std::make_unique<Process>(
        kind.command(directory_.path(), file, std::to_string(ports.front)), [this] {
          setpgid(0, 0);  // so that its workers end with it
          setenv("HOME", directory_.path().c_str(), 1);
          setenv("XDG_DATA_HOME", directory_.path().c_str(), 1);
          setenv("XDG_CONFIG_HOME", directory_.path().c_str(), 1);
        });
  }

  ~Front() {
    ::kill(-process_->id(), SIGTERM);
    process_->exit_code(std::chrono::seconds(5));
    ::kill(-process_->id(), SIGKILL);
  }
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  bool answers(std::uint16_t port) {
    return eventually([&] {
             return process_->ended() || http_call(port, "POST", "/callback", "{}").status == 400;
           }) &&
           !process_->ended();
  }

  std::string said() const {
    return process_->err() + process_->out() + content_of(directory_ / "log");
  }

 private:
  static void replace(std::string& text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::testing
