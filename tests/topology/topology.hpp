// The whole topology as processes: publishers and workers, a broker and a database between them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fault/oracle.hpp"
#include "integration/postofficed.hpp"
#include "support/private_server.hpp"

namespace postoffice::testing {

inline constexpr int shard_count = 8;

/// A process that can be killed and comes back as the same one: data directory and port stay.
class Member {
 public:
  Member(std::string command, Arguments common)
      : command_(std::move(command)), common_(std::move(common)) {}

  void start() {
    Arguments arguments = common_;
    arguments.insert(arguments.end(), {command_, "--admin-listen", "localhost:0", "--listen",
                                       "localhost:" + std::to_string(port_)});
    daemon_.emplace(data_.path(), arguments, Process::Setup{}, false);
    REQUIRE_MESSAGE(daemon_->ready(), daemon_->process().err());
    if (command_ == "serve") port_ = daemon_->port();
  }

  void kill() {
    daemon_->process().signal(SIGKILL);
    REQUIRE(daemon_->process().exit_code() == 128 + SIGKILL);
  }

  /// In good order; the exit code.
  int stop() {
    daemon_->process().signal(SIGTERM);
    return daemon_->process().exit_code();
  }

  void freeze() { daemon_->process().signal(SIGSTOP); }
  void thaw() { daemon_->process().signal(SIGCONT); }

  std::uint16_t port() const { return port_; }
  Daemon& daemon() { return *daemon_; }

 private:
  const std::string command_;
  const Arguments common_;
  TemporaryDirectory data_;
  std::uint16_t port_ = 0;
  std::optional<Daemon> daemon_;
};

/// How many shards the worker is served by the broker.
inline int shards_served(Member& worker) {
  const auto body = worker.daemon().page("/status").body;
  int count = 0;
  for (std::size_t at = 0; (at = body.find("\"serving\":true", at)) != std::string::npos; ++at) {
    ++count;
  }
  return count;
}

class Topology {
 public:
  Topology(const std::string& ttl, int serves, int workers, std::chrono::milliseconds latency)
      : source(latency) {
    const Arguments common{
        "--queue",     broker.address(), "--store", database.address(),    "--source",
        source.url(),  "--ttl",          ttl,       "--fetch-concurrency", "200",
        "--log-level", "debug"};
    for (int i = 0; i < serves; ++i) {
      publishers.push_back(std::make_unique<Member>("serve", common));
    }
    for (int i = 0; i < workers; ++i) {
      this->workers.push_back(std::make_unique<Member>("worker", common));
    }
    for (auto& member : publishers) member->start();
    for (auto& member : this->workers) member->start();
    REQUIRE(all_served(std::chrono::seconds(30)));
    for (auto& member : publishers) {
      REQUIRE(eventually([&] { return member->daemon().page("/readyz").status == 200; }));
    }
  }

  /// Each shard is served to one of the workers that live.
  bool all_served(std::chrono::seconds limit) {
    return eventually([&] { return served() == shard_count; }, limit);
  }

  int served() {
    int sum = 0;
    for (auto& worker : workers) {
      if (!worker->daemon().process().ended()) sum += shards_served(*worker);
    }
    return sum;
  }

  Rows rows() const { return postgres_rows(database.address() + " connect_timeout=3"); }

  /// Nothing waits in any worker, nor in the broker: what is there are ticks.
  bool all_ended(std::chrono::seconds limit = std::chrono::seconds(90)) {
    return eventually(
        [&] {
          return std::all_of(workers.begin(), workers.end(), [](auto& worker) {
            return worker->daemon().page("/status").status == 200 &&
                   worker->daemon().status("pending") == 0;
          });
        },
        limit);
  }

  PrivateServer database{POSTGRES_CLUSTER};
  PrivateServer broker{RABBIT_BROKER};
  Source source;
  std::vector<std::unique_ptr<Member>> publishers;
  std::vector<std::unique_ptr<Member>> workers;
};

}  // namespace postoffice::testing
