// A whole pipeline of the library's own parts, destroyed in every order that the headers allow.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/sqlite_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/pipeline.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "support/http_client.hpp"
#include "support/temporary_directory.hpp"

using namespace postoffice;
using namespace std::chrono_literals;

namespace {

// With sanitizers every ninth order is enough.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int stride = 9;
#else
constexpr int stride = 1;
#endif

constexpr ObjectId silent_id = 999;

// Answers every id but one.
class Source {
 public:
  std::string url() const { return server_.url(); }
  int silent() const { return silent_; }

 private:
  std::atomic<int> silent_ = 0;
  testing::ScriptedServer server_{[this](testing::Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id != silent_id) {
        peer.answer(id);
        continue;
      }
      ++silent_;
      return peer.wait_for_close();
    }
  }};
};

enum Part { loop, clock, queue, source, store, ingress, pipeline };
using Order = std::array<Part, 7>;

struct Office {
  Office(Source& from, const std::filesystem::path& directory)
      : queue_options({.directory = directory / "queue", .segment_bytes = 16 << 10}) {
    loop = std::make_unique<EventLoop>();
    clock = std::make_unique<SystemClock>(*loop);
    auto opened = FileQueue::open(queue_options, *clock);
    REQUIRE_MESSAGE(opened, opened.error().text());
    queue = *std::move(opened);
    HttpIngressOptions ingress_options;
    ingress_options.listen = "127.0.0.1:0";
    ingress = std::make_unique<HttpIngress>(ingress_options);
    HttpObjectSourceOptions source_options;
    source_options.url = from.url();
    source = std::make_unique<HttpObjectSource>(*loop, source_options);
    store = std::make_unique<SqliteObjectStore>(
        SqliteObjectStoreOptions{(directory / "objects.db").string()});
    PipelineOptions options;
    options.drain_limit = 1ms;
    pipeline = std::make_unique<Pipeline>(
        Pipeline::Parts{*clock, *ingress, *queue, *source, *store}, options);
    loop->start();
    REQUIRE_FALSE(pipeline->start());
    // Busy: a fetch that does not end, and others that end while the parts are destroyed.
    const int before = from.silent();
    test::HttpClient sender(ingress->port());
    REQUIRE(sender.exchange(test::callback(R"({"object_ids":[999,1,2,3]})")).status == 202);
    while (from.silent() == before) std::this_thread::yield();
    REQUIRE(sender.exchange(test::callback(R"({"object_ids":[4,5,6,7,8]})")).status == 202);
  }

  void take_away(Part part) {
    switch (part) {
      case Part::loop: return loop.reset();
      case Part::clock: return clock.reset();
      case Part::queue: return queue.reset();
      case Part::source: return source.reset();
      case Part::store: return store.reset();
      case Part::ingress: return ingress.reset();
      case Part::pipeline: return pipeline.reset();
    }
  }

  const FileQueueOptions queue_options;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<SystemClock> clock;
  std::unique_ptr<FileQueue> queue;
  std::unique_ptr<HttpObjectSource> source;
  std::unique_ptr<SqliteObjectStore> store;
  std::unique_ptr<HttpIngress> ingress;
  std::unique_ptr<Pipeline> pipeline;
};

bool before(const Order& order, Part first, Part second) {
  return std::find(order.begin(), order.end(), first) <
         std::find(order.begin(), order.end(), second);
}

bool allowed(const Order& order) {
  return before(order, clock, loop) && before(order, source, loop) && before(order, queue, clock);
}

// In every allowed order; returns the number of orders.
int take_all_away(bool stopped) {
  Source from;
  Order order{loop, clock, queue, source, store, ingress, pipeline};
  int orders = 0;
  do {
    if (!allowed(order) || (!stopped && order[0] != pipeline)) continue;
    if (orders++ % stride != 0) continue;
    const testing::TemporaryDirectory directory;
    Office office(from, directory.path());
    if (stopped) office.pipeline->stop_and_wait();
    for (const Part part : order) office.take_away(part);
    // Nothing accepted is lost: the unanswered id keeps its callback in the queue.
    testing::ManualClock later;
    const auto again = FileQueue::open(office.queue_options, later);
    REQUIRE_MESSAGE(again, again.error().text());
    CHECK((*again)->recovery().callbacks >= 1);
  } while (std::next_permutation(order.begin(), order.end()));
  return orders;
}

}  // namespace

TEST_CASE("after a stop, a pipeline and its parts may be destroyed in every allowed order") {
  CHECK(take_all_away(true) == 630);
}

TEST_CASE("without a stop the pipeline is destroyed first, its parts in every allowed order") {
  CHECK(take_all_away(false) == 90);
}
