// A cluster embedded in one process: public headers, a real broker, a real database.
#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

#include "postoffice/defaults/cluster_publisher.hpp"
#include "postoffice/defaults/cluster_worker.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "support/postgres.hpp"
#include "support/rabbit.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice {
namespace {

using testing::within;
using namespace std::chrono_literals;

constexpr int shards = 4;
constexpr auto limit = 30s;

std::vector<ObjectId> range(ObjectId first, std::size_t count) {
  std::vector<ObjectId> ids(count);
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

/// A publisher and two workers, each of which a test may start, stop and destroy as it likes.
struct Cluster {
  Cluster() {
    const auto failure = id.open(directory.path());
    REQUIRE_FALSE_MESSAGE(failure, failure.message);
    loop.start();
  }

  ~Cluster() {
    publisher.reset();
    for (auto& worker : workers) worker.reset();
  }

  void publish() {
    publisher.emplace(ClusterPublisher::Parts{loop, clock, ingress, id, journal.get()},
                      ClusterPublisherOptions{broker, {.conninfo = schema.conninfo()}});
    REQUIRE_FALSE(publisher->start());
    if (journal) return;
    REQUIRE(within(limit, [&] { return publisher->why_not().empty(); }));
  }

  void open_journal() {
    auto opened = FileQueue::open({directory.path() + "/journal"}, clock);
    REQUIRE_MESSAGE(opened, opened.error().text());
    journal = *std::move(opened);
  }

  void work(std::size_t number = 0) {
    ClusterWorkerOptions options{broker, database()};
    options.name = "worker " + std::to_string(number);
    workers[number].emplace(ClusterWorker::Parts{loop, clock, source}, options);
    workers[number]->start();
  }

  std::size_t served(std::size_t number = 0) const {
    std::size_t count = 0;
    for (const auto& shard : workers[number]->status().shards) count += shard.serving ? 1 : 0;
    return count;
  }

  std::error_code send(const std::vector<ObjectId>& ids) {
    std::promise<std::error_code> answer;
    ingress.send(ids, [&](std::error_code error, const Receipt&) { answer.set_value(error); });
    return answer.get_future().get();
  }

  bool stored(std::size_t rows) const {
    return within(limit, [&] {
      const auto table = schema.run("SELECT to_regclass('objects') IS NOT NULL");
      return table == "t" && schema.run("SELECT count(*) FROM objects") == std::to_string(rows);
    });
  }

  PostgresObjectStoreOptions database() const {
    PostgresObjectStoreOptions options;
    options.conninfo = schema.conninfo();
    return options;
  }

  testing::PostgresSchema schema;
  testing::TemporaryDirectory directory;
  RabbitOptions broker = testing::rabbit_options(shards);
  PublisherId id;
  EventLoop loop;
  SystemClock clock{loop};
  testing::DirectIngress ingress;
  testing::FakeSource source;
  std::unique_ptr<FileQueue> journal;
  std::optional<ClusterPublisher> publisher;
  std::optional<ClusterWorker> workers[2];
};

/// Waits for it.
template <typename Member>
void stop(std::optional<Member>& member) {
  std::promise<void> done;
  member->stop([&] { done.set_value(); });
  done.get_future().get();
}

}  // namespace

TEST_CASE_FIXTURE(Cluster, "callbacks become rows, and every worker and publisher stops") {
  publish();
  work();
  REQUIRE_FALSE(send(range(1, 100)));
  CHECK(stored(100));
  CHECK(within(limit, [&] { return publisher->status().registered; }));
  CHECK(within(limit, [&] { return workers[0]->pipeline_status().stored == 100; }));

  SUBCASE("the publisher first") {
    stop(publisher);
    CHECK(send({101}) == Error::stopped);
    stop(workers[0]);
  }
  SUBCASE("the worker first: what comes then waits at the broker") {
    stop(workers[0]);
    REQUIRE_FALSE(send({101}));
    stop(publisher);
    work(1);
    CHECK(stored(101));
  }
  SUBCASE("twice, and afterwards") {
    int done = 0;
    publisher->stop([&] { ++done; });
    publisher->stop([&] { ++done; });
    workers[0]->stop([&] { ++done; });
    stop(workers[0]);
    stop(publisher);
    CHECK(done == 3);
    stop(workers[0]);
    stop(publisher);
    CHECK(publisher->start() == Error::stopped);
  }
}

TEST_CASE_FIXTURE(Cluster, "a member may be destroyed by what its stop is done with") {
  publish();
  work();
  REQUIRE_FALSE(send(range(1, 20)));
  CHECK(stored(20));
  std::promise<void> gone[2];
  publisher->stop([&] {
    publisher.reset();
    gone[0].set_value();
  });
  workers[0]->stop([&] {
    workers[0].reset();
    gone[1].set_value();
  });
  for (auto& each : gone) each.get_future().get();
  CHECK_FALSE(publisher);
  CHECK_FALSE(workers[0]);
}

TEST_CASE_FIXTURE(Cluster, "a worker goes without a word, and another takes its shards over") {
  publish();
  work();
  CHECK(within(limit, [&] { return served() == shards; }));
  source.hold();
  REQUIRE_FALSE(send(range(1, 50)));
  CHECK(within(limit, [&] { return source.held().size() == 50; }));
  SUBCASE("with fetches in flight") {}
  SUBCASE("while it stops") {
    workers[0]->stop([] {});
  }
  workers[0].reset();
  source.release();  // for nobody
  work(1);
  CHECK(within(limit, [&] { return served(1) == shards; }));
  CHECK(stored(50));
}

TEST_CASE_FIXTURE(Cluster, "two workers share the shards; one that stops gives its own back") {
  publish();
  work(0);
  work(1);
  CHECK(within(limit, [&] {
    return served(0) + served(1) == shards && workers[0]->status().workers == 2 &&
           workers[0]->status().shards.size() < shards;
  }));
  REQUIRE_FALSE(send(range(1, 200)));
  CHECK(stored(200));
  stop(workers[0]);
  workers[0].reset();
  CHECK(within(limit, [&] { return served(1) == shards; }));
  REQUIRE_FALSE(send(range(201, 100)));
  CHECK(stored(300));
}

TEST_CASE_FIXTURE(Cluster, "a publisher goes without a word: what it had accepted arrives") {
  SUBCASE("callbacks go to the broker") {}
  SUBCASE("callbacks go by way of a journal") { open_journal(); }
  publish();
  REQUIRE_FALSE(send(range(1, 50)));
  for (ObjectId id = 51; id <= 80; ++id) ingress.send({id});
  publisher.reset();
  CHECK(send({1'000}) == Error::stopped);
  publish();
  work();
  REQUIRE_FALSE(send(range(1, 80)));  // of the 30 nobody was told
  CHECK(stored(80));
}

TEST_CASE_FIXTURE(Cluster, "a publisher takes callbacks that do not come through its ingress") {
  SUBCASE("callbacks go to the broker") {}
  SUBCASE("callbacks go by way of a journal") { open_journal(); }
  const auto append = [&](const std::vector<ObjectId>& ids) {
    std::promise<std::error_code> answer;
    publisher->append(ids, [&](std::error_code error, const Receipt&) { answer.set_value(error); });
    return answer.get_future().get();
  };
  publish();
  work();
  REQUIRE_FALSE(append(range(1, 50)));
  CHECK(stored(50));
  publisher->append({}, [&](std::error_code, const Receipt&) {});  // under way as the stop begins
  stop(publisher);
  CHECK(append({51}) == Error::stopped);
}

TEST_CASE_FIXTURE(Cluster, "members that were never started stop, and go while the loop stands") {
  publisher.emplace(ClusterPublisher::Parts{loop, clock, ingress, id},
                    ClusterPublisherOptions{broker, {.conninfo = schema.conninfo()}});
  workers[0].emplace(ClusterWorker::Parts{loop, clock, source},
                     ClusterWorkerOptions{broker, database()});
  stop(publisher);
  stop(workers[0]);
  work(1);
  CHECK(within(limit, [&] { return workers[1]->status().shards.size() == shards; }));
  CHECK(within(limit, [&] { return workers[1]->not_ready().empty(); }));
  loop.stop();
}

TEST_CASE_FIXTURE(Cluster, "options that cannot work are refused at once") {
  const ClusterWorker::Parts parts{loop, clock, source};
  ClusterWorkerOptions options{broker, database()};
  options.broker.shards = 0;
  CHECK_THROWS_AS(ClusterWorker(parts, options), std::invalid_argument);
  options = {broker, database()};
  options.pipeline.attempts_min = 0;
  CHECK_THROWS_AS(ClusterWorker(parts, options), std::invalid_argument);
  options = {broker, {}};
  options.database.conninfo = "no_such_option=1";
  CHECK_THROWS_AS(ClusterWorker(parts, options), std::invalid_argument);
}

}  // namespace postoffice
