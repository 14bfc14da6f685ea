// Overload: 1.5 million random ids in about a second, beside rows that are received all the time
// and new ids; then a restart that reads all of it again.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>

#include "fault/sender.hpp"
#include "field/incidents/told.hpp"
#include "integration/postofficed.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t live_end = 51;  // ids 1 … 50 have rows

/// The least last_seen of the live rows; 0 if one is missing.
std::int64_t oldest_live(const std::string& path) {
  sqlite3* database = nullptr;
  sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READONLY, nullptr);
  sqlite3_busy_timeout(database, 5000);
  sqlite3_stmt* query = nullptr;
  sqlite3_prepare_v2(database, "SELECT count(*), min(last_seen) FROM objects WHERE id < 51", -1,
                     &query, nullptr);
  std::int64_t oldest = 0;
  if (query != nullptr && sqlite3_step(query) == SQLITE_ROW &&
      sqlite3_column_int64(query, 0) == live_end - 1) {
    oldest = sqlite3_column_int64(query, 1);
  }
  sqlite3_finalize(query);
  sqlite3_close(database);
  return oldest;
}

std::vector<std::int64_t> live_ids() {
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 1; id < live_end; ++id) ids.push_back(id);
  return ids;
}

/// Random ids beyond all others that this test sends.
void flood(std::uint16_t port, int callbacks, int ids_in_each) {
  std::mt19937_64 random(42);
  CallbackConnection connection(port, 10s);
  std::vector<std::int64_t> ids(static_cast<std::size_t>(ids_in_each));
  for (int i = 0; i < callbacks; ++i) {
    for (auto& id : ids) id = static_cast<std::int64_t>(random() >> 2) | (std::int64_t{1} << 40);
    REQUIRE(connection.post(ids) == 202);
  }
}

/// Sends the live ids, and three new ones, every half second, and looks when they arrive.
class Watch {
 public:
  Watch(std::uint16_t port, std::string rows, std::int64_t first_new)
      : connection_(port, 10s), rows_(std::move(rows)), next_(first_new) {}

  void run(std::chrono::seconds span) {
    for (const auto end = now_us() + span / 1us; now_us() < end;) {
      auto ids = live_ids();
      const auto sent_at = now_us();
      for (int i = 0; i < 3; ++i) ids.push_back(sent_.emplace(next_++, sent_at).first->first);
      REQUIRE(connection_.post(ids) == 202);
      while (oldest_live(rows_) < sent_at && now_us() - sent_at < 20'000'000) {
        std::this_thread::sleep_for(10ms);
      }
      slowest_touch_ = std::max(slowest_touch_, now_us() - sent_at);
      std::this_thread::sleep_for(std::chrono::microseconds(500'000 - (now_us() - sent_at)));
    }
  }

  std::int64_t slowest_touch() const { return slowest_touch_; }
  /// Of all new ids, once each has been fetched.
  std::int64_t slowest_fetch(const Source& source) const {
    eventually([&] {
      const auto fetches = source.fetches();
      return std::all_of(sent_.begin(), sent_.end(),
                         [&](const auto& sent) { return fetches.contains(sent.first); });
    });
    std::int64_t slowest = 0;
    auto fetches = source.fetches();
    for (const auto& [id, at] : sent_) {
      const auto fetched = fetches.contains(id) ? fetches[id].last_at : now_us();
      slowest = std::max(slowest, fetched - at);
    }
    return slowest;
  }

 private:
  CallbackConnection connection_;
  const std::string rows_;
  std::map<std::int64_t, std::int64_t> sent_;
  std::int64_t next_;
  std::int64_t slowest_touch_ = 0;
};

void check_bounds(const std::string& when, const Watch& watch, const Source& source) {
  const auto touch = watch.slowest_touch();
  const auto fetch = watch.slowest_fetch(source);
  MESSAGE(when << ": slowest touch " << touch / 1'000 << " ms, slowest first fetch of a new id "
               << fetch / 1'000 << " ms");
  CHECK(touch < 1'500'000);
  CHECK(fetch < 5'500'000);
}

/// POSTOFFICE_FLOOD=1000 for ten million ids.
int flood_callbacks() {
  const char* text = std::getenv("POSTOFFICE_FLOOD");
  return text ? std::max(150, std::atoi(text)) : 150;
}

}  // namespace

TEST_CASE("beside 1.5 million ids rows are touched and new ids fetched at once (S3, S4)") {
  Source source(600ms);
  const TemporaryDirectory data;
  const std::string rows = data / "objects.db";
  const Arguments options = {"--source", source.url(), "--fetch-concurrency", "256"};
  auto daemon = std::make_unique<Daemon>(data.path(), options);
  REQUIRE(daemon->ready());
  REQUIRE(CallbackConnection(daemon->port()).post(live_ids()) == 202);
  REQUIRE(eventually([&] { return oldest_live(rows) > 0; }));

  Told burst(*daemon);
  flood(daemon->port(), flood_callbacks(), 10'000);
  MESSAGE("ids accepted: " << daemon->status("accepted_ids"));
  burst.happened();
  burst.check({"source", "behind|degraded", "behind since .*ids wait", "--fetch-concurrency",
               "behind",
               [&] { return metric(*daemon, "postoffice_ids_in_queue_only") > 1'000'000; }});
  {
    Watch watch(daemon->port(), rows, 1'000);
    watch.run(8s);
    check_bounds("beside a flood", watch, source);
  }
  const auto health = daemon->page("/healthz");
  CHECK(health.status == 503);
  CHECK(health.body.find("behind since") != std::string::npos);
  CHECK(daemon->status("ids_in_queue_only") > 1'000'000);
  CHECK(daemon->page("/metrics").body.find("postoffice_behind_seconds") != std::string::npos);
  CHECK(eventually([&] { return daemon->said("behind: more is received"); }));

  daemon->process().signal(SIGKILL);
  daemon->process().exit_code();
  daemon = std::make_unique<Daemon>(data.path(), options);
  REQUIRE(daemon->ready());
  {
    Watch watch(daemon->port(), rows, 2'000);
    watch.run(6s);
    check_bounds("after a restart", watch, source);
  }
  // What nobody could fetch in time ends as expired, and all is well again.
  CHECK(eventually([&] { return daemon->page("/healthz").status == 200; }, 60s));
  CHECK(eventually([&] { return daemon->said("no longer behind"); }));
  CHECK(daemon->status("expired") > 1'000'000);
  CHECK(daemon->status("ids_in_queue_only") == 0);
}
