// Several stores on one schema: each deletes only rows before all watermarks, and one that was
// replaced or retired writes nothing (S6).
#include <doctest/doctest.h>

#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "postoffice/defaults/postgres_instances.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "postoffice/error.hpp"
#include "support/event_log.hpp"
#include "support/eventually.hpp"
#include "support/postgres.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {
namespace {

using namespace std::chrono_literals;

constexpr auto ttl = 30s;

Expiry expiry(double watermark, std::vector<ObjectId> ids = {}, bool scan = false) {
  return {at(watermark) - ttl, std::move(ids), scan, at(watermark), {}};
}

/// Now, and with the next beat: the clocks of the instances are compared, which takes some
/// milliseconds off what others told.
std::uint64_t expire_soon(ObjectStore& store, double watermark, std::vector<ObjectId> ids) {
  const auto now = expire(store, expiry(watermark, std::move(ids)));
  return now + expire(store, expiry(watermark + 0.5));
}

PostgresInstance file_queue(std::uint64_t publisher) {
  return {.publisher = publisher, .name = "daemon-" + std::to_string(publisher)};
}

struct Scene {
  Scene() { loop.start(); }

  std::unique_ptr<PostgresObjectStore> store(PostgresInstance instance) {
    PostgresObjectStoreOptions options{.conninfo = schema.conninfo()};
    options.instance = std::move(instance);
    return std::make_unique<PostgresObjectStore>(loop, options, log.log());
  }

  /// Each such statement takes a second for each row.
  void make_slow(const std::string& what, const std::string& row) {
    schema.run(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1);"
        " RETURN " +
        row +
        "; END';"
        "CREATE TRIGGER slow BEFORE " +
        what + " ON objects FOR EACH ROW EXECUTE FUNCTION slow()");
  }
  void wait_until_slow() {
    REQUIRE(eventually([&] {
      return schema.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") !=
             "0";
    }));
  }

  std::size_t retire(const std::string& name) {
    auto call = begin_call<std::size_t>([&](auto done) { instances.retire(name, done); });
    return without_error(finish_call(call));
  }
  PostgresInstanceList list() {
    auto call = begin_call<PostgresInstanceList>([&](auto done) { instances.list(done); });
    return without_error(finish_call(call));
  }
  Timestamp register_publisher(std::uint64_t publisher, int shards) {
    auto call = begin_call<Timestamp>([&](auto done) {
      instances.register_publisher(publisher, "p" + std::to_string(publisher), shards, done);
    });
    return without_error(finish_call(call));
  }
  std::vector<std::string> beat_worker(const std::string& name) {
    auto call =
        begin_call<std::vector<std::string>>([&](auto done) { instances.beat_worker(name, done); });
    return without_error(finish_call(call));
  }

  std::string column(const std::string& what, const std::string& where) const {
    return schema.run("SELECT " + what + " FROM postoffice_instances WHERE " + where);
  }

  PostgresSchema schema;
  EventLog log;
  EventLoop loop;
  PostgresInstances instances{loop, {.conninfo = schema.conninfo()}};
};

/// A session of somebody else, in the middle of a transaction.
class Session {
 public:
  explicit Session(const std::string& conninfo)
      : connection_(PQconnectdb(conninfo.c_str()), &PQfinish) {
    run("BEGIN");
  }
  bool run(const std::string& sql) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  }

 private:
  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

/// The result of a call once there is a session again, since retiring an instance ends its
/// sessions.
template <typename Call>
std::error_code error_in_session(Call call) {
  std::error_code error = Error::unavailable;
  for (int i = 0; i < 100 && error == Error::unavailable; ++i) error = call().error;
  return error;
}

const std::string schema_lock = "(1347375956, 'postoffice_expiry'::regclass::oid::int)";

TEST_CASE_FIXTURE(Scene, "a row goes when the watermarks of all instances have passed it") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  expire(*b, expiry(100));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  CHECK(expire(*a, expiry(131, {7})) == 0);
  CHECK(find_one(*a, 7).has_value());
  CHECK(expire(*a, expiry(131, {}, true)) == 0);
  CHECK(expire(*b, expiry(130.5)) == 0);
  // It was asked for before: nobody has to name it again.
  CHECK(expire(*a, expiry(131.5)) == 1);
  CHECK_FALSE(find_one(*a, 7).has_value());
}

TEST_CASE_FIXTURE(Scene, "what another instance has received stays, whoever asks") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  expire(*a, expiry(100));
  expire(*b, expiry(140));
  CHECK(expire_soon(*a, 131, {7}) == 1);
  apply(*b, {.answers = {{8, true, at(110), at(110)}}});
  apply(*a, {.touches = {{8, at(120)}}});
  CHECK(expire(*b, expiry(140, {8})) == 0);
  CHECK(find_one(*b, 8)->last_seen == at(120));
}

TEST_CASE_FIXTURE(Scene, "a late answer does not bring back what another instance deleted") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  expire(*b, expiry(140));
  expire(*a, expiry(140, {}, true));
  const auto applied = apply(*b, {.answers = {{7, true, at(105), at(106)}}, .cutoff = at(90)});
  CHECK(applied.late == std::vector<ObjectId>{7});
  CHECK_FALSE(find_one(*b, 7).has_value());
}

TEST_CASE_FIXTURE(Scene, "an instance that has told nothing yet holds all deletes") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  apply(*b, {.cleared = {1}});
  CHECK(expire(*a, expiry(200, {7}, true)) == 0);
  expire(*b, expiry(200));
  CHECK(expire(*a, expiry(200)) == 1);
}

TEST_CASE_FIXTURE(Scene,
                  "what piled up while an instance was away goes by one scan on its return") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  expire(*b, expiry(100));
  apply(*a, {.answers = {{7, true, at(100), at(100)}, {8, true, at(100), at(100)}}});
  expire(*a, expiry(160, {7}));  // 8 is not known any more
  expire(*b, expiry(165));
  CHECK(expire(*a, expiry(165)) == 2);
}

TEST_CASE_FIXTURE(Scene, "a retired instance writes nothing, then registers again") {
  const auto a = store(file_queue(1));
  expire(*a, expiry(100));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  const auto epoch = a->instance_status().epoch;
  CHECK(retire("daemon-1") == 1);
  for (const Changes& changes :
       {Changes{.answers = {{8, true, at(100), at(100)}}}, Changes{.touches = {{7, at(101)}}},
        Changes{.removals = {{7, false, at(101), at(101)}}}}) {
    CHECK(error_in_session([&] { return try_apply(*a, changes); }) == Error::fenced);
    CHECK(find(*a).size() == 1);
    CHECK(find_one(*a, 7)->last_seen == at(100));
    apply(*a, {.cleared = {1}});  // it has registered again
    CHECK(retire("0000000000000001") == 1);
  }
  const auto all = expiry(200, {7}, true);
  CHECK(error_in_session([&] { return try_expire(*a, all); }) == Error::fenced);
  CHECK(find(*a).size() == 1);
  expire(*a, expiry(110));
  CHECK(a->instance_status().epoch > epoch);
  CHECK(retire("nobody") == 0);
}

TEST_CASE_FIXTURE(Scene, "an instance that another replaced stays fenced") {
  const auto old = store(file_queue(1));
  expire(*old, expiry(100));
  const auto fresh = store(file_queue(1));
  expire(*fresh, expiry(90));
  for (int i = 0; i < 3; ++i) {
    CHECK(try_apply(*old, {.answers = {{7, true, at(100), at(100)}}}).error == Error::fenced);
    CHECK(try_expire(*old, expiry(200, {}, true)).error == Error::fenced);
  }
  CHECK(old->instance_status().fenced);
  apply(*fresh, {.answers = {{8, true, at(100), at(100)}}});
  CHECK(find(*fresh).size() == 1);
  // What it told before counts no more: the queue as the new one found it has its own watermark.
  CHECK(fresh->instance_status().watermark == at(90));
}

TEST_CASE_FIXTURE(Scene, "a shard's worker may take it back with a new session") {
  std::atomic<std::uint64_t> session{1};
  const auto one = store({.shard = 3, .name = "w1", .session = [&] { return session.load(); }});
  const auto two = store({.shard = 3, .name = "w2"});
  apply(*one, {.cleared = {1}});
  apply(*two, {.cleared = {1}});
  CHECK(try_apply(*one, {.cleared = {1}}).error == Error::fenced);
  CHECK(try_apply(*one, {.cleared = {1}}).error == Error::fenced);
  session = 2;
  apply(*one, {.cleared = {1}});
  CHECK(try_apply(*two, {.cleared = {1}}).error == Error::fenced);
  CHECK(list().rows.size() == 1);
}

TEST_CASE_FIXTURE(Scene, "a shard and its publishers: each row is raised, none is lowered") {
  const auto alone = store(file_queue(9));
  expire(*alone, expiry(100));
  CHECK(register_publisher(5, 2) == at(100));
  CHECK(register_publisher(6, 2) == at(100));
  const auto publishers = [](Timestamp as_of) {
    return as_of == at(149) ? std::vector<std::uint64_t>{5} : std::vector<std::uint64_t>{};
  };
  const auto worker = store({.shard = 0, .name = "w", .publishers = publishers});
  auto told = expiry(150);
  told.as_of = at(149);
  expire(*worker, told);
  expire(*alone, expiry(150));
  const auto watermark = [&](const std::string& publisher, int shard) {
    return column(
        "extract(epoch FROM watermark)::bigint - " + std::to_string(at(0).time_since_epoch() / 1s),
        "publisher = '" + publisher + "' AND shard = " + std::to_string(shard));
  };
  CHECK(watermark("", 0) == "150");
  CHECK(watermark("0000000000000005", 0) == "150");
  CHECK(watermark("0000000000000005", 1) == "100");
  CHECK(watermark("0000000000000006", 0) == "100");
  CHECK(watermark("", 1) == "100");
  CHECK(alone->instance_status().watermark == at(100));

  // Back after a restart: its rows are as far as they were.
  register_publisher(5, 2);
  CHECK(watermark("0000000000000005", 0) == "150");
  expire(*worker, expiry(140));
  CHECK(watermark("", 0) == "150");

  auto left = begin_call<int>([&](auto done) {
    worker->remove_publisher(5, [done](std::error_code error) { done(error, 0); });
  });
  without_error(finish_call(left));
  CHECK(column("count(*)", "publisher = '0000000000000005'") == "1");
  CHECK(retire("w") == 0);  // the shard is not its worker's
  CHECK(retire("p6") == 2);
  CHECK(retire("shard-1") == 1);
}

TEST_CASE_FIXTURE(Scene, "an instance that has left does not hold the others, whatever its clock") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  expire(*a, expiry(140));
  expire(*b, expiry(120));  // 20 s behind
  apply(*b, {.answers = {{7, true, at(119), at(119)}}});
  auto left = begin_call<int>(
      [&](auto done) { b->leave(at(120), [done](std::error_code error) { done(error, 0); }); });
  without_error(finish_call(left));
  CHECK(expire(*a, expiry(149.5, {7}, true)) == 0);  // received a moment ago
  schema.run(
      "UPDATE postoffice_instances SET stopped = stopped - interval '29.5 s'"
      " WHERE stopped IS NOT NULL");
  CHECK(expire(*a, expiry(179, {}, true)) == 1);
  expire(*b, expiry(130));
  CHECK(column("count(*)", "stopped IS NOT NULL") == "0");
  CHECK(a->instance_status().watermark > at(149));
  expire(*a, expiry(180));
  CHECK(std::chrono::abs(a->instance_status().watermark - at(130)) < 500ms);
}

TEST_CASE_FIXTURE(Scene, "whoever registers waits for deletes by the watermarks of before") {
  const auto a = store(file_queue(1));
  expire(*a, expiry(100));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  make_slow("DELETE", "old");
  auto deleting = begin_call<Expired>([&](auto done) { a->expire(expiry(200, {7}), done); });
  wait_until_slow();
  const auto b = store(file_queue(2));
  auto registering = begin_apply(*b, {.cleared = {1}});
  CHECK(registering.wait_for(300ms) == std::future_status::timeout);
  CHECK(without_error(finish_call(deleting)).deleted == 1);
  without_error(finish_call(registering));
}

TEST_CASE_FIXTURE(Scene, "whoever replaces an instance waits for its writes") {
  const auto a = store(file_queue(1));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  make_slow("UPDATE", "new");
  auto touching = begin_apply(*a, {.touches = {{7, at(101)}}});
  wait_until_slow();
  const auto fresh = store(file_queue(1));
  auto registering = begin_apply(*fresh, {.cleared = {1}});
  CHECK(registering.wait_for(300ms) == std::future_status::timeout);
  without_error(finish_call(touching));
  without_error(finish_call(registering));
  CHECK(find_one(*fresh, 7)->last_seen == at(101));
}

TEST_CASE_FIXTURE(Scene, "retiring ends sessions that stand still in a transaction") {
  const auto a = store(file_queue(1));
  apply(*a, {.cleared = {1}});
  Session frozen(schema.conninfo("application_name=postoffice-0000000000000001.-1"));
  REQUIRE(frozen.run("SELECT pg_advisory_xact_lock_shared" + schema_lock));
  CHECK(retire("daemon-1") == 1);
  CHECK_FALSE(frozen.run("SELECT 1"));
}

TEST_CASE_FIXTURE(Scene, "a frozen session holds deletes, but not those who write") {
  const auto a = store(file_queue(1));
  const auto b = store(file_queue(2));
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  apply(*b, {.cleared = {1}});
  expire(*b, expiry(200));
  Session frozen(schema.conninfo());
  REQUIRE(frozen.run("SELECT pg_advisory_xact_lock_shared" + schema_lock));
  const auto begun = std::chrono::steady_clock::now();
  auto deleting = begin_call<Expired>([&](auto done) { a->expire(expiry(200, {7}), done); });
  for (int i = 0; i < 20; ++i) apply(*b, {.answers = {{8 + i, true, at(190), at(190)}}});
  CHECK(finish_call(deleting).error == Error::unavailable);
  CHECK(std::chrono::steady_clock::now() - begun < 3s);
  REQUIRE(frozen.run("ROLLBACK"));
  CHECK(expire_soon(*a, 199, {7}) == 1);
}

TEST_CASE_FIXTURE(Scene, "a clock that is off is measured, and reported once") {
  auto instance = file_queue(1);
  instance.now = [] {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) - 20s;
  };
  PostgresRegistration found;
  instance.registered = [&](const PostgresRegistration& registration) { found = registration; };
  const auto a = store(instance);
  for (int i = 0; i < 3; ++i) expire(*a, expiry(100 + i));
  const auto status = a->instance_status();
  CHECK(std::chrono::abs(status.skew + 20s) <= status.skew_error + 100ms);
  CHECK(log.count("behind the server's") == 1);
  CHECK(found.fresh);
  CHECK(found.epoch == status.epoch);
  CHECK(found.others == Timestamp::min());
}

TEST_CASE_FIXTURE(Scene, "what a fast clock has not told yet holds rows that a slow one stamped") {
  auto fast = file_queue(2);
  fast.now = [] {
    return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()) + 20s;
  };
  const auto a = store(file_queue(1));
  const auto b = store(fast);
  apply(*a, {.answers = {{7, true, at(100), at(100)}}});
  for (int i = 0; i < 2; ++i) expire(*b, expiry(140));  // by the other clock that is 120
  CHECK(expire(*a, expiry(200, {7}, true)) == 0);
  const auto all = a->instance_status().watermark;
  CHECK(all <= at(120));
  CHECK(all > at(119));
  expire(*b, expiry(152));
  CHECK(expire(*a, expiry(201, {}, true)) == 1);
}

TEST_CASE_FIXTURE(Scene, "workers that live are those that said so") {
  CHECK(beat_worker("b") == std::vector<std::string>{"b"});
  CHECK(beat_worker("a") == std::vector<std::string>{"a", "b"});
  schema.run("UPDATE postoffice_workers SET beat = beat - interval '6 s' WHERE name = 'b'");
  CHECK(beat_worker("a") == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(Scene, "an instance lists itself") {
  const auto a = store(file_queue(0xabc));
  expire(*a, expiry(100));
  const auto found = list();
  REQUIRE(found.rows.size() == 1);
  CHECK(found.rows[0].id() == "0000000000000abc");
  CHECK(found.rows[0].name == "daemon-2748");
  CHECK(found.rows[0].watermark == at(100));
  CHECK(found.rows[0].epoch == a->instance_status().epoch);
  CHECK(found.now - found.rows[0].beat < 10s);
}

TEST_CASE("an instance is a file queue or a shard, not both") {
  EventLoop loop;
  for (const PostgresInstance& wrong :
       {PostgresInstance{}, PostgresInstance{.publisher = 1, .shard = 0, .name = ""}}) {
    PostgresObjectStoreOptions options{.conninfo = "host=h"};
    options.instance = wrong;
    CHECK_THROWS_AS(PostgresObjectStore(loop, options), std::invalid_argument);
  }
}

}  // namespace
}  // namespace postoffice::testing
