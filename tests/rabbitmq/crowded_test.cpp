// The whole pipeline on a shard whose window is small, with a source that never answers: consuming
// goes on, because what stands in the way is carried forward, round and round.
#include <doctest/doctest.h>

#include <future>

#include "postoffice/pipeline.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "postoffice/testing/memory_store.hpp"
#include "rabbitmq/broker_load.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

struct SilentSource final : ObjectSource {
  void fetch(ObjectId, std::chrono::milliseconds, Done) override {}
};

}  // namespace

TEST_CASE("a source that never answers stops neither consuming nor the watermark (S4, S6, S9)") {
  EventLoop loop;
  loop.start();
  SystemClock clock(loop);
  EventLog log;
  auto options = rabbit_options(1);
  options.prefetch = 300;
  RabbitPublisher publisher(options, clock, log.log());
  RabbitQueue queue(options, 0, clock, log.log());
  REQUIRE(within(10s, [&] { return publisher.status().connected && queue.details().connected; }));
  DirectIngress ingress;
  SilentSource source;
  MemoryStore store;
  Pipeline pipeline({clock, ingress, queue, source, store});
  REQUIRE_FALSE(pipeline.start());
  {
    Flood flood(publisher, 0);  // a callback every millisecond
    REQUIRE(within(60s, [&] { return flood.accepted_count() >= 10'000; }));
    flood.stop();
    CHECK(within(60s, [&] { return pipeline.status().pending >= flood.accepted_count(); }));
  }
  CHECK(within(60s, [&] {
    const auto status = pipeline.status();
    return status.now - status.watermark < 5s && status.now > status.watermark;
  }));
  CHECK(pipeline.status().carried > 0);
  CHECK(queue.details().unacknowledged <= 300);
  std::promise<void> stopped;
  pipeline.stop([&] { stopped.set_value(); });
  stopped.get_future().wait();
  loop.stop();
}
