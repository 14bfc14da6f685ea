// The daemon with its own store, between a sender and a source that the test controls.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fault/trials.hpp"
#include "integration/whole_job.hpp"

namespace postoffice::testing {

struct SourceTrouble {
  void start_daemon(const std::string& source_url, Arguments more = {},
                    const std::string& ttl = "900s") {
    more.insert(more.end(), {"--source", source_url, "--ttl", ttl});
    daemon = std::make_unique<Daemon>(data.path(), more);
    REQUIRE(daemon->ready());
  }

  /// Ids that hardly ever come twice, so that an accepted answer stays.
  void send(const std::string& rate, const std::string& ids_max) {
    sender.emplace(Arguments{"--no-source", "--target",
                             "http://localhost:" + std::to_string(daemon->port()) + "/callback",
                             "--rate", rate, "--ids-max", ids_max, "--id-range", "900000000",
                             "--record", record_path});
  }

  void stop_sending() {
    sender->process().signal(SIGTERM);
    CHECK(sender->process().exit_code() == 0);
  }

  std::uint64_t memory() const {
    const std::string name = "\nprocess_resident_memory_bytes ";
    const auto metrics = daemon->page("/metrics").body;
    const auto place = metrics.find(name);
    REQUIRE(place != std::string::npos);
    return static_cast<std::uint64_t>(std::strtod(metrics.c_str() + place + name.size(), nullptr));
  }

  /// What the daemon shows to others, page by page.
  std::map<std::int64_t, bool> objects() const {
    std::map<std::int64_t, bool> found;
    for (std::string after; after != "end";) {
      const auto answer = daemon->page("/objects?limit=1000" + after);
      rapidjson::Document page;
      page.Parse(answer.body.c_str());
      REQUIRE(page.IsObject());
      for (const auto& each : page["objects"].GetArray()) {
        found[each["id"].GetInt64()] = each["online"].GetBool();
      }
      const auto& next = page["next"];
      after = next.IsNull() ? "end" : "&after=" + std::to_string(next.GetInt64());
    }
    return found;
  }

  /// A row with the truth for every accepted id, and no others.
  void check_rows() const {
    const Record record = read_record(record_path);
    CHECK(record.lost == 0);
    CHECK(record.slowest_us() < 1'000'000);
    REQUIRE(record.accepted.size() > 100);
    const auto found = objects();
    CHECK(found.size() == record.sent.size());
    for (const auto id : record.sent) {
      CAPTURE(id);
      REQUIRE(found.contains(id));
      CHECK(found.at(id) == (id % 2 == 0));
    }
    std::printf("%zu callbacks accepted, slowest %lld ms, %zu objects\n", record.accepted.size(),
                static_cast<long long>(record.slowest_us() / 1000), found.size());
  }

  TemporaryDirectory data;
  TemporaryDirectory notes;
  std::string record_path = notes / "record";
  std::unique_ptr<Daemon> daemon;
  std::optional<Tester> sender;
};

}  // namespace postoffice::testing
