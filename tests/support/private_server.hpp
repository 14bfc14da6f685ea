// A PostgreSQL server or a RabbitMQ broker of a test's own, so that it can be harmed.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

/// By a script of tests/support: `script start DIR` prints how to connect.
class PrivateServer {
 public:
  /// `what`: how it begins; `more`: what the script wants behind the directory.
  explicit PrivateServer(std::string script, const std::string& what = "start",
                         std::vector<std::string> more = {})
      : script_(std::move(script)) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));  // its own user
    auto start = ask(what, std::move(more));
    const int code = start->exit_code(limit);
    if (code == 77) skip_rest("its server is not installed");
    INFO(start->err());
    REQUIRE(code == 0);
    address_ = start->out().substr(0, start->out().find('\n'));
  }
  /// Checks nothing: a shared one goes after the last test.
  ~PrivateServer() {
    const auto command = "/bin/sh " + script_ + " remove " + directory() + " >/dev/null 2>&1";
    [[maybe_unused]] const int code = std::system(command.c_str());
  }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  /// A conninfo, or a URL.
  const std::string& address() const { return address_; }
  std::string directory() const { return directory_ / "server"; }

  /// What the script is asked to do: stop, kill, restart.
  void run(const std::string& what, std::vector<std::string> more = {}) const {
    CHECK(ask(what, std::move(more))->exit_code(limit) == 0);
  }

 private:
  static constexpr std::chrono::seconds limit{120};

  std::unique_ptr<Process> ask(const std::string& what, std::vector<std::string> more) const {
    more.insert(more.begin(), {"/bin/sh", script_, what, directory()});
    return std::make_unique<Process>(std::move(more));
  }

  const std::string script_;
  TemporaryDirectory directory_;
  std::string address_;
};

}  // namespace postoffice::testing
