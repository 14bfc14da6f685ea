// Upserts through the PostgreSQL store beside the same upserts made by the server itself
// (floor_upsert.sql): same table, batch, number of commits and run, one after the other, so that
// what else the machine does meets both.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "postoffice/defaults/postgres_object_store.hpp"

namespace {

using namespace postoffice;
using Clock = std::chrono::steady_clock;

constexpr ObjectId table_rows = 100'000;

double seconds_of(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Timestamp at(std::int64_t round) { return Timestamp(std::chrono::seconds(1'700'000'000 + round)); }

// Keeps some calls under way, and waits for the last.
class Window {
 public:
  explicit Window(int in_flight) : in_flight_(in_flight) {}

  void enter() {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return inside_ < in_flight_; });
    ++inside_;
  }

  void leave(std::error_code error) {
    const std::lock_guard lock(mutex_);
    if (error) {
      std::fprintf(stderr, "a call failed: %s\n", error.message().c_str());
      std::exit(1);
    }
    --inside_;
    left_.notify_all();
  }

  void drain() {
    std::unique_lock lock(mutex_);
    left_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable left_;
  const int in_flight_;
  int inside_ = 0;
};

// The store, with as many transactions under way as a pipeline has.
struct Writer {
  Writer(EventLoop& loop, const std::string& conninfo, bool synchronous)
      : window(synchronous ? 3 : 6),
        store(loop, {.conninfo = conninfo, .synchronous_commit = synchronous}) {}

  Window window;
  PostgresObjectStore store;
};

class Floor {
 public:
  explicit Floor(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    std::ifstream file(FLOOR_UPSERT_SQL);
    const std::string sql((std::istreambuf_iterator<char>(file)), {});
    run("SET synchronous_commit = on");
    check(PQprepare(connection_.get(), "floor", sql.c_str(), 3, nullptr));
  }

  std::string run(const std::string& sql) { return check(PQexec(connection_.get(), sql.c_str())); }

  void upsert(ObjectId first, ObjectId rows, std::int64_t round) {
    const std::string texts[] = {std::to_string(first), std::to_string(rows), timestamp(round)};
    const char* values[] = {texts[0].c_str(), texts[1].c_str(), texts[2].c_str()};
    check(PQexecPrepared(connection_.get(), "floor", 3, values, nullptr, nullptr, 0));
  }

 private:
  static std::string timestamp(std::int64_t round) {
    const std::time_t time = 1'700'000'000 + round;
    char text[64];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S+00", std::gmtime(&time));
    return text;
  }

  std::string check(PGresult* raw) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(raw, &PQclear);
    const auto status = PQresultStatus(raw);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
      std::fprintf(stderr, "%s", PQerrorMessage(connection_.get()));
      std::exit(1);
    }
    return PQntuples(raw) > 0 ? PQgetvalue(raw, 0, 0) : "";
  }

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

class Bench {
 public:
  Bench(const std::string& conninfo, ObjectId batch)
      : batch_(batch),
        waiting_(loop_, conninfo, true),
        ahead_(loop_, conninfo, false),
        floor_(conninfo) {
    loop_.start();
  }

  double through_store(bool touches_only = false) { return write(waiting_, touches_only); }

  // Without a wait at each commit.
  double ahead() { return write(ahead_, false); }

  double on_server() {
    ++round_;
    return seconds_of([&] {
      for (ObjectId first = 0; first < table_rows; first += batch_) {
        floor_.upsert(first, batch_, round_);
      }
    });
  }

  double expire(ObjectId rows) {
    Expiry expiry{.cutoff = at(++round_), .ids = {}};
    for (ObjectId id = 0; id < rows; ++id) expiry.ids.push_back(id * (table_rows / rows));
    return seconds_of([&] {
      waiting_.window.enter();
      waiting_.store.expire(
          expiry, [this](std::error_code error, Expired) { waiting_.window.leave(error); });
      waiting_.window.drain();
    });
  }

  std::string run(const std::string& sql) { return floor_.run(sql); }

 private:
  // Every row of the table once, in batches.
  double write(Writer& writer, bool touches_only) {
    ++round_;
    return seconds_of([&] {
      for (ObjectId first = 0; first < table_rows; first += batch_) {
        writer.window.enter();
        writer.store.apply(
            changes(first, touches_only),
            [&writer](std::error_code error, const Applied&) { writer.window.leave(error); });
      }
      writer.window.drain();
    });
  }

  Changes changes(ObjectId first, bool touches_only) const {
    Changes changes;
    for (ObjectId id = first; id < first + batch_; ++id) {
      if (touches_only) changes.touches.push_back({id, at(round_)});
      if (!touches_only) changes.answers.push_back({id, true, at(round_), at(round_)});
    }
    return changes;
  }

  const ObjectId batch_;
  std::int64_t round_ = 0;
  EventLoop loop_;
  Writer waiting_;
  Writer ahead_;
  Floor floor_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void compare(Bench& bench, ObjectId batch, int pairs) {
  std::vector<double> ratios;
  std::vector<double> touches;
  std::vector<double> gains;
  for (int pair = 0; pair < pairs; ++pair) {
    const bool store_first = pair % 2 == 0;
    double store = store_first ? bench.through_store() : 0;
    const double server = bench.on_server();
    double ahead = store_first ? 0 : bench.ahead();
    if (!store_first) store = bench.through_store();
    if (store_first) ahead = bench.ahead();
    touches.push_back(table_rows / bench.through_store(true));
    ratios.push_back(server / store);
    gains.push_back(store / ahead);
    std::printf(
        "batch %5lld: store %8.0f rows/s, server-side %8.0f rows/s, ratio %.2f; not waiting at"
        " commits %8.0f rows/s, gain %.2f\n",
        static_cast<long long>(batch), table_rows / store, table_rows / server, ratios.back(),
        table_rows / ahead, gains.back());
  }
  std::printf("batch %5lld: median ratio %.2f; touches %8.0f rows/s\n",
              static_cast<long long>(batch), median(ratios), median(touches));
  std::printf("batch %5lld: median gain of not waiting at commits %.2f\n",
              static_cast<long long>(batch), median(gains));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: upsert_bench CONNINFO [batch [pairs]]\n");
    return 64;
  }
  const std::string conninfo = arguments[1];
  const ObjectId batch = count > 2 ? std::atoll(arguments[2]) : 2'000;
  const int pairs = count > 3 ? std::atoi(arguments[3]) : 7;
  if (const auto failure = migrate_postgres(conninfo)) {
    std::fprintf(stderr, "%s\n", failure.message.c_str());
    return 69;
  }
  Bench bench(conninfo, batch);
  bench.run("TRUNCATE objects");
  bench.run("UPDATE postoffice_expiry SET cutoff = '-infinity'");
  std::printf("new rows: store %8.0f rows/s\n", table_rows / bench.through_store());
  compare(bench, batch, pairs);
  bench.run("SELECT pg_stat_force_next_flush()");
  std::printf("HOT updates: %s of all\n",
              bench
                  .run("SELECT round(n_tup_hot_upd::numeric / nullif(n_tup_upd, 0), 3)"
                       " FROM pg_stat_user_tables WHERE relid = 'objects'::regclass")
                  .c_str());
  std::printf("expiry of 10000 of %lld rows by id: %.1f ms\n", static_cast<long long>(table_rows),
              1e3 * bench.expire(10'000));
}
