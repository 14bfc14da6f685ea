// A PostgreSQL server and a RabbitMQ broker of a test's own, so that they can be harmed.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "support/process.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

/// By a script of tests/support: `script start DIR` prints how to connect.
class PrivateServer {
 public:
  explicit PrivateServer(std::string script) : script_(std::move(script)) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));  // its own user
    Process start({"/bin/sh", script_, "start", directory()});
    const int code = start.exit_code(limit);
    if (code == 77) skip_rest("its server is not installed");
    INFO(start.err());
    REQUIRE(code == 0);
    address_ = start.out().substr(0, start.out().find('\n'));
  }
  ~PrivateServer() { run("remove"); }
  PrivateServer(const PrivateServer&) = delete;
  PrivateServer& operator=(const PrivateServer&) = delete;

  /// A conninfo, or a URL.
  const std::string& address() const { return address_; }

  /// What the script is asked to do: stop, kill, restart.
  void run(const std::string& what) const {
    CHECK(Process({"/bin/sh", script_, what, directory()}).exit_code(limit) == 0);
  }

 private:
  static constexpr std::chrono::seconds limit{120};

  std::string directory() const { return directory_ / "server"; }

  const std::string script_;
  TemporaryDirectory directory_;
  std::string address_;
};

}  // namespace postoffice::testing
