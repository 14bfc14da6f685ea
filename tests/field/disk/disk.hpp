// The daemon with its queue on a disk of its own, the store elsewhere.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "fault/disk_image.hpp"
#include "fault/sender.hpp"
#include "fault/trials.hpp"
#include "integration/postofficed.hpp"
#include "support/has.hpp"

namespace postoffice::testing {

/// Whose ids end only when the test is over: a source that nobody serves.
struct OnDisk {
  explicit OnDisk(std::string place) : data(std::move(place)) {}

  void start(const Arguments& more = {}, const Arguments& prefix = {}) {
    Arguments arguments{"--store", "sqlite:" + store / "objects.db", "--ttl", "1h"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    daemon.emplace(data, arguments, Process::Setup{}, true, prefix);
    REQUIRE(daemon->ready());
    connection.emplace(daemon->port());
  }

  int post(const std::vector<std::int64_t>& ids) {
    if (!connection->usable()) connection.emplace(daemon->port());
    return connection->post(ids);
  }

  bool ready() const { return daemon->page("/readyz").status == 200; }

  double metric(const std::string& name) const {
    const auto body = daemon->page("/metrics").body;
    const auto place = body.find("\n" + name + " ");
    return place == std::string::npos ? -1 : std::atof(body.c_str() + place + name.size() + 2);
  }

  void kill() {
    daemon->process().signal(SIGKILL);
    CHECK(daemon->process().exit_code() == 128 + SIGKILL);
  }

  TemporaryDirectory store;
  const std::string data;
  const std::string queue = data + "/queue";
  std::optional<Daemon> daemon;
  std::optional<CallbackConnection> connection;
};

}  // namespace postoffice::testing
