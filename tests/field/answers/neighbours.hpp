// Real servers as sources, on ports of their own.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/free_port.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

/// Skips the case if `program` is not installed.
inline void need(const std::string& program) {
  if (std::filesystem::exists(program)) return;
  skip_rest(program + " is not installed");
}

inline bool listens(std::uint16_t port, const char* at = "127.0.0.1") {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  inet_pton(AF_INET, at, &address.sin_addr);
  address.sin_port = htons(port);
  const bool connected = connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return connected;
}

/// A directory that servers may read which change their user.
class OpenDirectory {
 public:
  OpenDirectory() { std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755)); }
  const std::string& path() const { return directory_.path(); }
  std::string operator/(const std::string& name) const { return directory_ / name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }

 private:
  TemporaryDirectory directory_;
};

/// A server that runs in the foreground, started and listening. In a process group of its own:
/// Apache ends its whole group.
class Neighbour {
 public:
  Neighbour(std::uint16_t port, std::vector<std::string> command, const char* at = "127.0.0.1")
      : process_(std::move(command), [] { setpgid(0, 0); }) {
    const bool up = eventually([&] { return process_.ended() || listens(port, at); });
    INFO(process_.err());
    REQUIRE(up);
    REQUIRE_FALSE(process_.ended());
  }
  // Those with children of their own end them when they are asked to.
  ~Neighbour() {
    process_.signal(SIGTERM);
    process_.exit_code(std::chrono::seconds(5));
  }

 private:
  Process process_;
};

/// A daemon whose source is at `port`, and its results.
class Asking {
 public:
  explicit Asking(std::uint16_t port, Arguments more = {}) {
    more.insert(more.end(),
                {"--source", "http://127.0.0.1:" + std::to_string(port) + "/objects/{id}"});
    daemon_ = std::make_unique<Daemon>(directory_ / "data", more);
    REQUIRE(daemon_->ready());
  }

  Daemon& daemon() { return *daemon_; }

  void post(int first, int last) {
    std::string ids;
    for (int id = first; id <= last; ++id) ids += (ids.empty() ? "" : ",") + std::to_string(id);
    REQUIRE(daemon_->post(ids).status == 202);
  }

  bool stores(std::uint64_t count, std::chrono::seconds limit) {
    return eventually([&] { return daemon_->status("stored") >= count; }, limit);
  }

  /// A metric with its labels, as it is spelled.
  double metric(const std::string& name) const {
    const auto text = daemon_->page("/metrics").body;
    const auto place = text.find("\n" + name + " ");
    return place == std::string::npos ? -1 : std::atof(text.c_str() + place + name.size() + 2);
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Daemon> daemon_;
};

}  // namespace postoffice::testing
