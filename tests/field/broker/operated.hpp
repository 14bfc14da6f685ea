// A broker that an operator has configured, with daemons: each test has its own names and database.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/postgres.hpp"
#include "support/private_server.hpp"
#include "support/process.hpp"
#include "support/rows.hpp"
#include "support/source.hpp"

namespace postoffice::testing {

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

  /// The output of rabbitmqctl.
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
  PrivateServer server_{RABBIT_BROKER};
  TemporaryDirectory directory_;
};

/// A database, a source, and arguments for daemons that share two shards called `name`.
class Place {
 public:
  explicit Place(std::string name) : name_(std::move(name)) {
    static PrivateServer database(POSTGRES_CLUSTER);
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
