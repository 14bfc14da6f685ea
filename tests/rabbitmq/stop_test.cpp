// How a queue and a publisher at a broker end.
#include <memory>
#include <optional>
#include <vector>

#include "conformance/stop_contract.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "support/rabbit.hpp"

namespace postoffice {
namespace {

using conformance::Call;
using conformance::Done;
using namespace std::chrono_literals;

Queue::AppendDone as_append(const Done& done) {
  return [done](std::error_code error, const Receipt&) { done(error); };
}

struct QueueHarness {
  static constexpr bool ends_inside = false;

  QueueHarness() {
    options.publishes = true;
    begin();
  }
  void begin() {
    owner = std::make_unique<RabbitQueue>(options, 0, clock);
    queue = owner.get();
    REQUIRE(testing::within(10s, [&] { return queue->statistics().writable; }));
  }
  std::vector<Call> calls() {
    const std::vector<ObjectId> ids{1, 2, 3};
    return {[this, ids](const Done& done) { queue->append(ids, {}, as_append(done)); },
            [this, ids](const Done& done) { queue->append(ids, Timestamp{}, as_append(done)); }};
  }
  void wait(const Done& done) {
    queue->read(10, [done](std::error_code error, const Delivery&) { done(error); });
  }
  void end() { owner.reset(); }

  RabbitOptions options = testing::rabbit_options();
  testing::ManualClock clock;
  std::unique_ptr<RabbitQueue> owner;
  RabbitQueue* queue = nullptr;  // also while it is destroyed
};

struct PublisherHarness {
  static constexpr bool ends_inside = false;

  PublisherHarness() { begin(); }
  void begin() {
    owner = std::make_unique<RabbitPublisher>(options, clock);
    publisher = owner.get();
    publisher->set_frontier([] { return Timestamp{}; });
    REQUIRE(testing::within(10s, [&] { return publisher->status().connected; }));
  }
  std::vector<Call> calls() {
    const std::vector<ObjectId> ids{1, 2, 3};
    return {[this, ids](const Done& done) { publisher->append(ids, as_append(done)); },
            [this, ids](const Done& done) { publisher->forward(ids, Timestamp{}, done); }};
  }
  void stop(std::function<void()> done) { publisher->stop(std::move(done)); }
  void end() { owner.reset(); }

  RabbitOptions options = testing::rabbit_options(4);
  testing::ManualClock clock;
  std::unique_ptr<RabbitPublisher> owner;
  RabbitPublisher* publisher = nullptr;
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(conformance::stop_contract, QueueHarness, PublisherHarness);

TEST_CASE("a publisher that may not say goodbye waits for what is on its way all the same") {
  PublisherHarness harness;
  conformance::Completed completed;
  for (int times = 0; times < 100; ++times) call_each(harness, completed);
  harness.publisher->hush(true);
  std::promise<bool> all_ended;
  harness.stop([&] { all_ended.set_value(completed.each_once()); });
  CHECK(all_ended.get_future().get());
}

}  // namespace postoffice
