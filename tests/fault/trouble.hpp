// The whole service under load while something around the daemon fails, and the checks afterwards.
#pragma once

#include <cstdio>
#include <optional>
#include <string>

#include "fault/trials.hpp"
#include "fault/watch.hpp"

namespace postoffice::testing {

struct Trouble : WholeJob {
  /// Returns when rows are being written. With so many ids about half are not received again in
  /// the seconds after a fault: what it did to them stays to be seen.
  void begin(const std::string& id_range = "5000") {
    start_daemon(ttl);
    sender.emplace(send("100", "0", "20", {"--id-range", id_range}));
    watch.emplace(cluster, daemon->admin_port());
    REQUIRE(works(std::chrono::seconds(20)));
  }

  bool up() const {
    return daemon->page("/status").body.find("\"store_up\":true") != std::string::npos;
  }

  /// Answers and touches that are fresh reach the store, within the limit.
  bool works(std::chrono::seconds limit) const {
    const auto stored = daemon->status("stored");
    const auto touches = daemon->status("touches");
    return eventually(
        [&] {
          return up() && daemon->status("stored") > stored + 100 &&
                 daemon->status("touches") > touches + 100;
        },
        limit);
  }

  /// A fault that the daemon does not notice proves nothing.
  bool noticed(std::chrono::seconds limit = std::chrono::seconds(10)) const {
    return eventually([&] { return !up(); }, limit);
  }

  /// Everything recovers by itself: reconnects are 2 s apart at most, and so are the attempts to
  /// apply, which do not come in step with them.
  void check_heals() const { CHECK(works(std::chrono::seconds(10))); }

  void stop_sending() {
    sender->process().signal(SIGTERM);
    CHECK(sender->process().exit_code() == 0);
  }

  void stop_watching() {
    watch->stop();
    CHECK(watch->problems() == "");
    CHECK(watch->samples() > 2);
  }

  /// Callbacks end; what was accepted is compared with the table.
  void end(const std::string& what) {
    stop_sending();
    REQUIRE(all_ended());
    check_identity();
    stop_watching();
    judge(rows(cluster), what);
  }

  void judge(const Rows& found, const std::string& what) const {
    const Record record = read_record(record_path);
    CHECK(record.lost == 0);
    CHECK(record.slowest_us() < 1'000'000);
    CHECK(daemon->status("accepted_callbacks") == record.accepted.size());
    check_each(record, found);
    std::printf("%s: %zu callbacks accepted, %zu lost, slowest %lld ms, %zu rows, %d looks\n",
                what.c_str(), record.accepted.size(), record.lost,
                static_cast<long long>(record.slowest_us() / 1000), found.size(), watch->samples());
    std::fflush(stdout);
  }

  /// Each accepted id has its row with the newest receipt, and no id has one that nobody sent.
  static void check_each(const Record& record, const Rows& found) {
    std::map<std::int64_t, std::int64_t> accepted_until;
    for (const auto& sent : record.accepted) {
      for (const auto id : sent.ids) {
        accepted_until[id] = std::max(accepted_until[id], sent.accepted_at);
      }
    }
    for (const auto& [id, last] : record.last_of_each_id()) {
      CAPTURE(id);
      REQUIRE(found.contains(id));
      const Row& row = found.at(id);
      CHECK(row.online == (id % 2 == 0));
      CHECK(row.last_seen >= last.sent_at);
      CHECK(row.last_seen <= accepted_until.at(id));
    }
    for (const auto& [id, row] : found) {
      CAPTURE(id);
      CHECK(record.sent.contains(id));
    }
  }

  std::string ttl = "900s";  ///< longer than any test: nothing may expire
  std::optional<Tester> sender;
  std::optional<Watch> watch;
};

}  // namespace postoffice::testing
