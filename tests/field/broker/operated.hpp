// A broker with an operator, and daemons beside it: each test has names and a database of its own.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "fault/rows.hpp"
#include "fault/source.hpp"
#include "integration/postofficed.hpp"
#include "support/postgres.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

/// A server that lives as long as the test program. It ends after all tests, so it checks nothing.
class LastingServer {
 public:
  explicit LastingServer(std::string script) : script_(std::move(script)) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));  // its own user
    Process start({"/bin/sh", script_, "start", directory()});
    const int code = start.exit_code(std::chrono::seconds(120));
    if (code == 77) skip_rest("its server is not installed");
    REQUIRE(code == 0);
    address_ = start.out().substr(0, start.out().find('\n'));
  }
  ~LastingServer() {
    const auto command = "/bin/sh " + script_ + " remove " + directory() + " >/dev/null 2>&1";
    [[maybe_unused]] const int code = std::system(command.c_str());
  }
  LastingServer(const LastingServer&) = delete;
  LastingServer& operator=(const LastingServer&) = delete;

  const std::string& address() const { return address_; }
  std::string directory() const { return directory_ / "server"; }

 private:
  const std::string script_;
  TemporaryDirectory directory_;
  std::string address_;
};

/// A real RabbitMQ, for all tests of the program.
class OperatedBroker {
 public:
  static OperatedBroker& shared() {
    static OperatedBroker broker;
    return broker;
  }

  /// host:port
  std::string place() const { return server_.address().substr(server_.address().find('@') + 1); }
  std::string url(const std::string& user = "guest") const {
    return "amqp://" + user + ":" + user + "@" + place();
  }
  std::string log() const { return content_of(server_.directory() + "/log/log"); }

  /// What rabbitmqctl says.
  std::string ctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"/bin/sh", RABBIT_BROKER, "ctl", server_.directory()});
    Process process(arguments);
    const int code = process.exit_code(std::chrono::seconds(60));
    INFO(process.err());
    CHECK(code == 0);
    return process.out();
  }
  void add_user(const std::string& name, const std::string& configure, const std::string& write,
                const std::string& read) const {
    ctl({"add_user", name, name});
    ctl({"set_permissions", name, configure, write, read});
  }
  /// `arguments`: those of the shards, as JSON.
  void import_queues(const std::string& prefix, const std::string& arguments) const {
    std::string queues;
    for (const std::string name : {".0", ".1"}) {
      queues += (queues.empty() ? "" : ",") + queue(prefix + name, arguments);
    }
    const auto file = directory_ / "definitions.json";
    std::ofstream(file) << "{\"queues\":[" + queues + "]}";
    ctl({"import_definitions", file});
  }

 private:
  static std::string queue(const std::string& name, const std::string& arguments) {
    return "{\"name\":\"" + name +
           "\",\"vhost\":\"/\",\"durable\":true,\"auto_delete\":false,\"arguments\":" + arguments +
           "}";
  }
  LastingServer server_{RABBIT_BROKER};
  TemporaryDirectory directory_;
};

/// A database, a source, and arguments for daemons that share two shards called `name`.
class Place {
 public:
  explicit Place(std::string name) : name_(std::move(name)) {
    static LastingServer database(POSTGRES_CLUSTER);
    run_sql(database.address(), "CREATE DATABASE " + name_);
    conninfo_ = database.address() + " dbname=" + name_;
  }

  Arguments arguments(const std::string& url, Arguments more = {}) const {
    Arguments all{"--queue", url,        "--queue-prefix", name_,      "--store",
                  conninfo_, "--source", source_.url(),    "--shards", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  bool has_rows(std::size_t count) const {
    return eventually([&] { return rows().size() >= count; }, std::chrono::seconds(30));
  }
  /// None before there is a table.
  Rows rows() const {
    const auto table = run_sql(conninfo_, "SELECT to_regclass('objects')");
    return table.empty() ? Rows{} : postgres_rows(conninfo_);
  }

 private:
  const std::string name_;
  std::string conninfo_;
  Source source_;
};

inline bool is_ready(const Daemon& daemon) { return daemon.page("/readyz").status == 200; }

}  // namespace postoffice::testing
