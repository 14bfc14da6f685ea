// Sender, daemon, source and PostgreSQL together, and the judgement from outside: what the sender
// recorded against what the table holds.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "cluster.hpp"
#include "support/now.hpp"
#include "tester.hpp"

namespace postoffice::testing {

/// Empty if S8 holds in one answer of /metrics, else what is wrong.
inline std::string broken_identity(const std::string& metrics) {
  const auto value = [&](const std::string& name) {
    const auto place = metrics.find("\n" + name + " ");
    return place == std::string::npos ? -1 : std::stoll(metrics.substr(place + name.size() + 2));
  };
  long long ended = 0;
  for (const char* outcome : {"stored", "merged", "not_found", "expired", "dead"}) {
    ended += value(std::string("postoffice_ids_total{outcome=\"") + outcome + "\"}");
  }
  const auto accepted = value("postoffice_accepted_ids_total");
  const auto pending = value("postoffice_pending_ids");
  if (accepted >= 0 && accepted == ended + pending) return {};
  return "accepted " + std::to_string(accepted) + ", ended " + std::to_string(ended) +
         ", pending " + std::to_string(pending);
}

struct WholeJob {
  WholeJob() {
    source.emplace(Arguments{"--no-sender", "--listen", "localhost:0", "--latency-min", "0.02s",
                             "--latency-spread", "0.2s"});
    source_url = "http://localhost:" + std::to_string(source->source_port()) + "/objects/{id}";
  }

  /// Its port outlives it, so that a sender need not know of restarts.
  void start_daemon(const std::string& ttl) {
    Arguments arguments{
        "--store",        store,         "--source",        source_url,
        "--ttl",          ttl,           "--listen",        "localhost:" + std::to_string(port),
        "--admin-listen", "localhost:0", "--fetch-timeout", "2s"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    daemon = std::make_unique<Daemon>(data.path(), arguments, Process::Setup{}, false);
    REQUIRE(daemon->ready());
    port = daemon->port();
  }

  /// `count` 0: until it is told to end.
  Tester send(const std::string& rate, const std::string& count, const std::string& ids_max,
              const Arguments& more = {}) const {
    Arguments arguments{
        "--no-source", "--target",  "http://localhost:" + std::to_string(port) + "/callback",
        "--rate",      rate,        "--count",
        count,         "--ids-max", ids_max,
        "--record",    record_path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tester(arguments);
  }

  void check_identity() const { CHECK(broken_identity(daemon->page("/metrics").body) == ""); }

  bool all_ended() const {
    return eventually([&] { return daemon->status("pending") == 0; }, std::chrono::seconds(60));
  }

  /// Each accepted id has its row, exact, unless it may have expired by now.
  void check_rows(std::int64_t ttl_us) const {
    const Record record = read_record(record_path);
    REQUIRE_FALSE(record.accepted.empty());
    const auto found = rows(cluster);
    const auto oldest_alive = now_us() - ttl_us + 1'000'000;
    std::size_t checked = 0;
    for (const auto& [id, last] : record.last_of_each_id()) {
      if (last.sent_at < oldest_alive) continue;
      CAPTURE(id);
      REQUIRE(found.contains(id));
      CHECK(found.at(id).online == (id % 2 == 0));
      CHECK(found.at(id).last_seen >= last.sent_at);
      ++checked;
    }
    CHECK(checked > 0);
  }

  Cluster cluster;
  TemporaryDirectory data;
  TemporaryDirectory notes;
  std::string record_path = notes / "record";
  std::optional<Tester> source;
  std::string source_url;
  std::string store = cluster.conninfo();  ///< how the daemon reaches it
  Arguments more;                          ///< for the daemon
  std::uint16_t port = 0;
  std::unique_ptr<Daemon> daemon;
};

}  // namespace postoffice::testing
