// RabbitMQ, held to the promises of the seam.
#include "conformance/queue_conformance.hpp"
#include "support/rabbit.hpp"

namespace postoffice {
namespace {

class RabbitHarness {
 public:
  RabbitHarness() : options_(testing::rabbit_options()) {
    options_.publishes = true;
    options_.publisher = 77;
    open();
  }
  Queue& queue() { return *queue_; }
  testing::ManualClock& clock() { return clock_; }
  void settle() {}
  void restart() {
    queue_.reset();
    clock_.advance(Duration(1'000));  // as it would take
    open();
  }

 private:
  void open() {
    queue_ = std::make_unique<RabbitQueue>(options_, 0, clock_);
    REQUIRE(testing::within(std::chrono::seconds(10), [&] {
      return queue_->statistics().writable && queue_->details().connected;
    }));
  }

  RabbitOptions options_;
  testing::ManualClock clock_;
  std::unique_ptr<RabbitQueue> queue_;
};

}  // namespace

POSTOFFICE_QUEUE_CONFORMANCE(RabbitHarness);

}  // namespace postoffice
