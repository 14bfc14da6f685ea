// A daemon and a sender that keeps some ids alive, twice a second, while something is done to the
// rows.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <thread>

#include "integration/whole_job.hpp"
#include "support/repeated.hpp"
#include "support/sqlite_rows.hpp"

namespace postoffice::testing {

struct Live : WholeJob {
  static constexpr std::int64_t second = 1'000'000;

  ~Live() { stop_sending(); }

  /// Ids 1 to 10 are sent twice a second from now on, and have rows.
  void begin(const std::string& ttl = "4s") {
    start_daemon(ttl);
    sender_.emplace(std::chrono::milliseconds(500),
                    [this] { daemon->post("1,2,3,4,5,6,7,8,9,10"); });
    REQUIRE(eventually([&] { return found().size() == 10; }));
  }

  void stop_sending() { sender_.reset(); }

  Rows found() const { return sqlite.empty() ? rows(cluster) : sqlite_rows(sqlite); }

  /// The oldest receipt of a live row but that one, now.
  double oldest_seconds(std::int64_t except) const {
    std::int64_t oldest = now_us();
    const auto all = found();
    for (std::int64_t id = 1; id <= 10; ++id) {
      if (id == except) continue;
      if (!all.contains(id)) return 1e9;
      oldest = std::min(oldest, all.at(id).last_seen);
    }
    return static_cast<double>(now_us() - oldest) / second;
  }

  /// For so long: all live rows but that one are touched in time, 0.5 s apart and a second more.
  /// The slowest of the looks counts, but for one: the machine may have been busy.
  void check_touched(std::chrono::seconds span, std::int64_t except) const {
    int late = 0;
    const auto end = std::chrono::steady_clock::now() + span;
    while (std::chrono::steady_clock::now() < end) {
      late += oldest_seconds(except) > 1.9;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // between looks
    }
    CHECK(late <= 3);
  }

  bool gets_row(std::int64_t id, std::chrono::seconds limit = std::chrono::seconds(3)) const {
    return eventually([&] { return found().contains(id); }, limit);
  }
  bool loses_row(std::int64_t id, std::chrono::seconds limit) const {
    return eventually([&] { return !found().contains(id); }, limit);
  }

  /// The health page says all of these.
  bool health_says(const std::string& one, const std::string& other = {}) const {
    return eventually(
        [&] {
          const auto page = daemon->page("/healthz");
          return page.status == 503 && page.body.find(one) != std::string::npos &&
                 page.body.find(other) != std::string::npos;
        },
        std::chrono::seconds(8));
  }
  bool well() const {
    return eventually([&] { return daemon->page("/healthz").status == 200; });
  }

  std::string sqlite;  // path, if the store is one

 private:
  std::optional<Repeated> sender_;
};

/// A session that holds what it has locked.
class Holder {
 public:
  Holder(const Cluster& cluster, const std::string& sql)
      : session_(PQconnectdb(cluster.conninfo().c_str()), &PQfinish) {
    const std::string text = "BEGIN; " + sql;
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(session_.get(), text.c_str()),
                                                               &PQclear);
    REQUIRE(PQresultStatus(result.get()) < PGRES_BAD_RESPONSE);
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> session_;
};

}  // namespace postoffice::testing
