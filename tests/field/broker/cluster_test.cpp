// Three brokers that are one: where queues are led, and what the end of one of them costs.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "field/broker/operated.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

class Cluster {
 public:
  Cluster() {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    call({"start", node(0)});
    for (const int other : {1, 2}) call({"join", node(other), node(0)});
  }
  ~Cluster() {
    // The first one's directory has the port mapper's name: it goes last.
    for (const int each : {2, 1, 0}) run({"remove", node(each)});
  }

  /// All of them, as an operator writes it.
  std::string url() const {
    std::string hosts;
    for (const auto& address : addresses_) {
      hosts += (hosts.empty() ? "" : ",") + address.substr(address.find('@') + 1);
    }
    return "amqp://guest:guest@" + hosts;
  }

  /// The nodes that lead a queue, and how many queues each.
  std::map<std::string, int> leaders(const std::string& prefix) const {
    std::map<std::string, int> counts;
    std::istringstream lines(run({"ctl", node(0), "-q", "list_queues", "name", "leader"}));
    for (std::string name, leader; lines >> name >> leader;) {
      if (name.starts_with(prefix + ".")) ++counts[leader];
    }
    return counts;
  }

  void kill(int number) const { run({"kill", node(number)}); }

 private:
  std::string node(int number) const { return directory_ / std::to_string(number); }

  std::string run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"/bin/sh", RABBIT_BROKER});
    Process process(arguments);
    const int code = process.exit_code(120s);
    if (code == 77) skip_rest("RabbitMQ is not installed");
    INFO(process.err());
    REQUIRE(code == 0);
    return process.out();
  }
  void call(std::vector<std::string> arguments) {
    const std::string out = run(std::move(arguments));
    addresses_.push_back(out.substr(0, out.find('\n')));
  }

  TemporaryDirectory directory_;
  std::vector<std::string> addresses_;
};

}  // namespace

TEST_CASE("a node of a cluster dies: other nodes serve its shards, and nothing accepted is lost") {
  const Cluster cluster;
  const Place place("clustered");
  const TemporaryDirectory data, worker_data;
  const auto arguments = [&](const char* role) {
    auto all = place.arguments(cluster.url(), {role});
    *std::find(all.begin(), all.end(), "2") = "6";  // shards: two for each node
    return all;
  };
  Daemon serve(data.path(), arguments("serve"));
  Daemon worker(worker_data.path(), arguments("worker"));
  REQUIRE(serve.ready());
  REQUIRE(worker.ready());
  REQUIRE(eventually([&] { return is_ready(serve); }));
  int accepted = 0;
  const auto send = [&](int count) {
    for (const int end = accepted + count; accepted < end; ++accepted) {
      REQUIRE(eventually([&] { return serve.post(std::to_string(accepted)).status == 202; }, 60s));
    }
  };
  send(50);
  REQUIRE(place.has_rows(50));
  const auto leaders = cluster.leaders("clustered");
  CHECK(leaders.size() == 3);  // each node leads some

  cluster.kill(2);
  send(50);
  CHECK(place.has_rows(100));
  CHECK(worker.page("/metrics").body.find("\npostoffice_missing_messages_total 0\n") !=
        std::string::npos);
  CHECK(eventually([&] { return is_ready(serve); }, 60s));
}
