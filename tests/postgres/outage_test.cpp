#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/event_log.hpp"
#include "support/eventually.hpp"
#include "support/postgres.hpp"
#include "support/skip.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

PostgresObjectStoreOptions options(const PostgresSchema& schema) {
  return {.conninfo = schema.conninfo(), .statement_timeout = 2s};
}

void wait_until(const std::function<bool()>& condition) {
  REQUIRE(eventually(condition, call_deadline));
}

void cluster(const std::string& command, const std::string& mode) {
  const std::string line = std::string(POSTGRES_CLUSTER_SCRIPT) + " " + command + " " +
                           std::getenv("POSTOFFICE_TEST_CLUSTER") + " " + mode + " >/dev/null";
  REQUIRE(std::system(line.c_str()) == 0);
}

// Large enough not to wait at their commit, where that is allowed.
constexpr int large_batch = 1'500;

Changes large_changes(int round) {
  Changes changes;
  for (ObjectId id = 0; id < large_batch; ++id) {
    changes.answers.push_back({id, true, at(round), at(round)});
  }
  return changes;
}

/// So that the server does not flush its log by itself before somebody asks.
struct LazyLog {
  LazyLog() { alter("SET wal_writer_delay = '10s'"); }
  ~LazyLog() { alter("RESET wal_writer_delay"); }
  static void alter(const std::string& what) {
    run_sql(postgres_conninfo(), "ALTER SYSTEM " + what);
    run_sql(postgres_conninfo(), "SELECT pg_reload_conf()");
  }
};

// Applies rising batches until told to stop, like the pipeline: the same again until it worked.
class Load {
 public:
  explicit Load(ObjectStore& store, int batch = 50)
      : store_(store), batch_(batch), thread_([this] { run(); }) {}

  ~Load() { stop(); }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

  int done() const { return done_; }
  int rows() const { return done_ * batch_; }
  int failures() const { return failures_; }
  std::chrono::milliseconds slowest() const { return slowest_; }

 private:
  void run() {
    for (int round = 0; !stopping_; ++round) {
      Changes changes;
      for (int index = 0; index < batch_; ++index) {
        changes.answers.push_back({round * batch_ + index, true, at(round), at(round)});
      }
      while (!apply_once(changes)) std::this_thread::sleep_for(20ms);  // as a sender paces himself
      ++done_;
    }
  }

  bool apply_once(const Changes& changes) {
    const auto start = Clock::now();
    auto future = begin_apply(store_, changes);
    if (future.wait_for(call_deadline) != std::future_status::ready) std::abort();
    const bool worked = !future.get().error;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    slowest_ = std::max(slowest_.load(), took);
    if (!worked) ++failures_;
    return worked;
  }

  ObjectStore& store_;
  const int batch_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> done_ = 0;
  std::atomic<int> failures_ = 0;
  std::atomic<std::chrono::milliseconds> slowest_ = 0ms;
  std::thread thread_;
};

TEST_CASE("a server killed and restarted under load loses nothing that was done") {
  if (!std::getenv("POSTOFFICE_TEST_CLUSTER")) return skip("POSTOFFICE_TEST_CLUSTER is not set");
  PostgresSchema schema;
  EventLog log;
  EventLoop loop;
  loop.start();
  auto chosen = options(schema);
  int batch = 50;
  SUBCASE("each transaction waits at its commit") {}
  SUBCASE("large ones do not") {
    chosen.synchronous_commit = false;
    batch = large_batch;
  }
  PostgresObjectStore store(loop, chosen, log.log());
  Load load(store, batch);
  for (int round = 0; round < 3; ++round) {
    wait_until([&, before = load.done()] { return load.done() > before + 20; });
    cluster("stop", "immediate");
    wait_until([&, before = load.failures()] { return load.failures() > before + 3; });
    cluster("start", "");
  }
  wait_until([&, before = load.done()] { return load.done() > before + 20; });
  load.stop();
  CHECK(load.slowest() < 6s);
  CHECK(schema.run("SELECT count(*) FROM objects") == std::to_string(load.rows()));
  CHECK(find(store).size() == 100);
  // Once per change of state, not per attempt: an end, perhaps two reasons, and a return.
  CHECK(log.count("connected to") == 3);
  CHECK_MESSAGE(log.count("") < 20, log.all());
}

TEST_CASE("sessions that an administrator ends are opened again") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, options(schema));
  Load load(store);
  for (int round = 0; round < 10; ++round) {
    wait_until([&, before = load.done()] { return load.done() > before + 5; });
    schema.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'postoffice'");
  }
  wait_until([&, before = load.done()] { return load.done() > before + 5; });
  load.stop();
  CHECK(schema.run("SELECT count(*) FROM objects") == std::to_string(load.rows()));
}

TEST_CASE("large transactions that do not wait at their commit complete in order, and soon") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  auto chosen = options(schema);
  chosen.synchronous_commit = false;
  PostgresObjectStore store(loop, chosen);
  std::mutex mutex;
  std::vector<int> order;
  for (int round = 0; round < 8; ++round) {
    store.apply(large_changes(round), [&, round](std::error_code error, const Applied&) {
      CHECK_FALSE(error);
      const std::lock_guard lock(mutex);
      order.push_back(round);
    });
  }
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return order.size();
  };
  wait_until([&] { return count() == 8; });
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(find_one(store, 1)->last_seen == at(7));
}

TEST_CASE("a transaction that did not wait at its commit is complete when the log is flushed") {
  if (!std::getenv("POSTOFFICE_TEST_CLUSTER")) return skip("POSTOFFICE_TEST_CLUSTER is not set");
  PostgresSchema schema;
  const LazyLog lazy;
  EventLoop loop;
  loop.start();
  auto chosen = options(schema);
  chosen.synchronous_commit = false;
  PostgresObjectStore store(loop, chosen);
  for (int round = 0; round < 20; ++round) {
    const auto start = Clock::now();
    apply(store, large_changes(round));
    CHECK(Clock::now() - start < 5s);
  }
}

// A transaction that writes nothing does not wait at its commit, so it says nothing of those
// before.
TEST_CASE("a small transaction that changes nothing does not complete a large one before it") {
  if (!std::getenv("POSTOFFICE_TEST_CLUSTER")) return skip("POSTOFFICE_TEST_CLUSTER is not set");
  PostgresSchema schema;
  const LazyLog lazy;
  EventLoop loop;
  loop.start();
  auto chosen = options(schema);
  chosen.synchronous_commit = false;
  PostgresObjectStore store(loop, chosen);
  apply(store, {.answers = {{0, true, at(0), at(0)}}});
  for (int round = 1; round <= 5; ++round) {
    auto large = begin_apply(store, large_changes(round));
    auto small = begin_apply(store, {.touches = {{0, at(0)}}});
    CHECK_FALSE(finish_call(large).error);
    const auto lost_by_a_crash =
        schema.run("SELECT (pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn())::bigint");
    CHECK(std::stoll(lost_by_a_crash) < 10'000);
    CHECK_FALSE(finish_call(small).error);
  }
}

TEST_CASE("each commit waits if the server does not allow the request to flush its log") {
  PostgresSchema schema;
  EventLog log;
  EventLoop loop;
  loop.start();
  REQUIRE_FALSE(migrate_postgres(schema.conninfo()));
  const std::string flush = " EXECUTE ON FUNCTION pg_logical_emit_message(boolean, text, text) ";
  run_sql(postgres_conninfo(), "REVOKE" + flush + "FROM PUBLIC");
  run_sql(postgres_conninfo(), "DROP ROLE IF EXISTS writer");
  run_sql(postgres_conninfo(), "CREATE ROLE writer LOGIN");
  schema.run("GRANT USAGE ON SCHEMA " + schema.name() + " TO writer");
  schema.run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema.name() +
             " TO writer");
  {
    auto chosen = options(schema);
    chosen.conninfo = schema.conninfo("user=writer");
    chosen.synchronous_commit = false;
    PostgresObjectStore store(loop, chosen, log.log());
    for (int round = 0; round < 5; ++round) {
      apply_until_done(store, large_changes(round));
    }
    CHECK(log.count("permission denied") == 1);
    CHECK(find_one(store, 1)->last_seen == at(4));
  }
  run_sql(postgres_conninfo(), "GRANT" + flush + "TO PUBLIC");
  run_sql(postgres_conninfo(), "DROP OWNED BY writer; DROP ROLE writer");
}

TEST_CASE("a table locked for long fails the call in time, and the next one works") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, options(schema));
  apply(store, {.answers = {{1, true, at(1), at(1)}}});
  std::thread locker([&] {
    schema.run("BEGIN; LOCK TABLE objects IN EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT");
  });
  wait_until([&] {
    return schema.run(
               "SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND relation ="
               " 'objects'::regclass") == "1";
  });
  const auto start = Clock::now();
  // Perhaps it is a row; perhaps it is not.
  CHECK(try_apply(store, {.touches = {{1, at(2)}}}).error == Error::rejected);
  CHECK(try_apply(store, {.touches = {{1, at(2)}}, .each = true}).error == Error::unavailable);
  CHECK(Clock::now() - start < 2500ms);
  // Reading goes on meanwhile, on a connection of its own.
  auto waiting = begin_apply(store, {.touches = {{1, at(2)}}});
  CHECK(find(store).size() == 1);
  CHECK(waiting.wait_for(0s) == std::future_status::timeout);
  finish_call(waiting);
  apply_until_done(store, {.touches = {{1, at(2)}}});
  locker.join();
  CHECK(find_one(store, 1)->last_seen == at(2));
}

TEST_CASE("a server that stops answering is given up in time") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  auto limits = options(schema);
  limits.statement_timeout = 500ms;
  PostgresObjectStore store(loop, limits);
  apply(store, {.answers = {{1, true, at(1), at(1)}}});
  const pid_t backend = std::stoi(
      schema.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'postoffice' LIMIT 1"));
  if (kill(backend, SIGSTOP) != 0) return;  // the server belongs to somebody else
  const auto start = Clock::now();
  CHECK(try_apply(store, {.touches = {{1, at(2)}}}).error == Error::unavailable);
  CHECK(Clock::now() - start < 5s);
  // A new session does not wait for the frozen one, which holds no locks.
  apply_until_done(store, {.touches = {{1, at(3)}}});
  kill(backend, SIGCONT);
  CHECK(find_one(store, 1)->last_seen == at(3));
}

TEST_CASE("a server that is read-only is waited for") {
  PostgresSchema schema;
  EventLog log;
  run_sql(postgres_conninfo(), "ALTER DATABASE postgres SET default_transaction_read_only = on");
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, options(schema), log.log());
  CHECK(try_apply(store, {.answers = {{1, true, at(1), at(1)}}}).error == Error::unavailable);
  CHECK(log.count("read-only") == 1);
  run_sql(std::string(postgres_conninfo()) + " options=-cdefault_transaction_read_only=off",
          "ALTER DATABASE postgres RESET default_transaction_read_only");
  apply_until_done(store, {.answers = {{1, true, at(1), at(1)}}});
  CHECK(find(store).size() == 1);
}

TEST_CASE("a right that is taken away fails calls until it is given back") {
  PostgresSchema schema;
  EventLog log;
  EventLoop loop;
  loop.start();
  REQUIRE_FALSE(migrate_postgres(schema.conninfo()));
  run_sql(postgres_conninfo(), "DROP ROLE IF EXISTS writer");
  run_sql(postgres_conninfo(), "CREATE ROLE writer LOGIN");
  schema.run("GRANT USAGE ON SCHEMA " + schema.name() + " TO writer");
  const std::string rights = " SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ";
  schema.run("GRANT" + rights + schema.name() + " TO writer");
  {
    PostgresObjectStore store(loop, {.conninfo = schema.conninfo("user=writer")}, log.log());
    apply(store, {.answers = {{1, true, at(1), at(1)}}});
    schema.run("REVOKE UPDATE ON objects FROM writer");
    for (int time = 0; time < 5; ++time) {
      const Changes touch{.touches = {{1, at(2)}}, .each = true};
      CHECK(try_apply(store, touch).error == Error::permission);
    }
    CHECK(log.count("permission denied") == 1);
    schema.run("GRANT UPDATE ON objects TO writer");
    apply(store, {.touches = {{1, at(2)}}});
    CHECK(log.count("works again") == 1);
  }
  run_sql(postgres_conninfo(), "DROP OWNED BY writer; DROP ROLE writer");
}

TEST_CASE("destroying the store fails what waits with Error::stopped") {
  PostgresSchema schema;
  std::vector<std::future<Outcome<Applied>>> calls;
  SUBCASE("on a loop that never ran") {
    EventLoop loop;
    PostgresObjectStore store(loop, options(schema));
    for (int call = 0; call < 5; ++call) calls.push_back(begin_apply(store, {.cleared = {call}}));
  }
  SUBCASE("on a loop that runs") {
    EventLoop loop;
    loop.start();
    PostgresObjectStore store(loop, options(schema));
    for (int call = 0; call < 50; ++call) calls.push_back(begin_apply(store, {.cleared = {call}}));
  }
  for (auto& call : calls) {
    const auto outcome = finish_call(call);
    if (outcome.error) CHECK(outcome.error == Error::stopped);
  }
}

TEST_CASE("stores come and go while the loop runs") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::future<Outcome<Applied>>> calls;
    {
      PostgresObjectStore store(loop, options(schema));
      if (round % 2 == 0) apply(store, {.cleared = {1}});
      for (int call = 0; call < 10; ++call)
        calls.push_back(begin_apply(store, {.cleared = {call}}));
    }
    for (auto& call : calls) CHECK(call.wait_for(0s) == std::future_status::ready);
  }
}

TEST_CASE("a host that is down is skipped") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  auto limits = options(schema);
  const std::string port = run_sql(postgres_conninfo(), "SHOW port");
  limits.conninfo += "host=127.0.0.1,127.0.0.1 port=1," + port;
  PostgresObjectStore store(loop, limits);
  apply(store, {.answers = {{1, true, at(1), at(1)}}});
}

TEST_CASE("four writers with the same ids never deadlock") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  EventLog log;
  std::vector<std::unique_ptr<PostgresObjectStore>> stores;
  for (int writer = 0; writer < 4; ++writer) {
    stores.push_back(std::make_unique<PostgresObjectStore>(loop, options(schema), log.log()));
  }
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 4; ++writer) {
    threads.emplace_back([&, writer] {
      for (int round = 0; round < 40; ++round) {
        Changes changes;
        for (ObjectId id = 0; id < 400; ++id) {
          switch ((id * 7 + writer * 3 + round) % 5) {
            case 0: changes.touches.push_back({id, at(round)}); break;
            case 1: changes.answers.push_back({id, true, at(round), at(round)}); break;
            case 2:
              if (round % 8 == 0) changes.removals.push_back({id, false, at(round), at(round)});
              break;
            default: break;
          }
        }
        apply_until_done(*stores[writer], changes);
        if (round % 10 == 9) {
          try_expire(*stores[writer], {.cutoff = at(round - 5), .ids = {}, .scan = true});
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  // On a disk that is slow to sync, a statement may wait for the others until its time is over.
  CHECK_MESSAGE(log.count("") == log.count("lock timeout") + log.count("works again"), log.all());
}

TEST_CASE("touches stay on their pages (HOT)") {
  PostgresSchema schema;
  EventLoop loop;
  loop.start();
  PostgresObjectStore store(loop, {.conninfo = schema.conninfo()});
  constexpr ObjectId rows = 20'000;
  Changes answers;
  Changes touches;
  for (ObjectId id = 0; id < rows; ++id) {
    answers.answers.push_back({id, true, at(0), at(0)});
    touches.touches.push_back({id, at(0)});
  }
  apply(store, answers);
  const auto size = [&] { return std::stoll(schema.run("SELECT pg_relation_size('objects')")); };
  const auto before = size();
  for (int round = 1; round <= 50; ++round) {
    for (Touch& touch : touches.touches) touch.last_seen = at(round);
    apply(store, touches);
  }
  const auto statistic = [&](const std::string& column) {
    return std::stod(schema.run("SELECT " + column +
                                " FROM pg_stat_user_tables WHERE relid = 'objects'::regclass"));
  };
  wait_until([&] { return statistic("n_tup_upd") >= 50.0 * rows; });
  CHECK(statistic("n_tup_hot_upd") / statistic("n_tup_upd") >= 0.97);
  CHECK(static_cast<double>(size()) / static_cast<double>(before) <= 1.6);
}

}  // namespace
}  // namespace postoffice::testing
