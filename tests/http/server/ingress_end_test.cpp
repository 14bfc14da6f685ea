// How an ingress ends: stopped on any thread, destroyed anywhere (decision 0049).
#include <memory>
#include <thread>

#include "http/server/office.hpp"

namespace test {

using postoffice::Error;
using postoffice::Ingress;

namespace {

const std::string a_callback = callback(good_body);

std::unique_ptr<HttpIngress> make_ingress(HttpIngressOptions options,
                                          const Ingress::Accept& accept) {
  options.listen = on_free_port().listen;
  options.threads = 2;
  auto ingress = std::make_unique<HttpIngress>(options);
  REQUIRE_FALSE(ingress->start(accept));
  return ingress;
}

void accept_at_once(std::span<const ObjectId>, const Queue::AppendDone& done) {
  done({}, Receipt{1, 1, {}});
}

/// Completes on a thread of its own, in the order it was given.
class Completing {
 public:
  Completing() : thread_([this] { run(); }) {}
  ~Completing() {
    ending_ = true;
    thread_.join();
  }
  Ingress::Accept function() {
    return [this, held = held_.function()](auto ids, auto done) {
      held(ids, std::move(done));
      ++accepted_;
    };
  }
  std::size_t accepted() const { return accepted_; }

 private:
  void run() {
    while (!ending_) {
      if (held_.held() == 0) {
        std::this_thread::yield();
        continue;
      }
      for (auto& held : held_.take(1)) held.done({}, Receipt{1, 1, {}});
    }
  }

  HeldAccept held_;
  std::atomic<std::size_t> accepted_ = 0;
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("an ingress may be stopped anywhere and again: each done comes once, after all answers") {
  HeldAccept accept;
  std::atomic<int> stopped = 0;
  std::promise<void> all;
  const auto one_done = [&] {
    if (++stopped == 4) all.set_value();
  };
  std::unique_ptr<HttpIngress> ingress;
  ingress = make_ingress({}, [&, held = accept.function()](auto ids, auto done) {
    held(ids, std::move(done));
    ingress->stop(one_done);
  });
  HttpClient sender(ingress->port());
  sender.send(a_callback);
  auto held = accept.take(1);
  std::thread other([&] { ingress->stop(one_done); });
  ingress->stop([&] {
    ingress->stop(one_done);
    one_done();
  });
  other.join();
  CHECK(stopped == 0);
  held.front().done({}, Receipt{1, 1, {}});
  CHECK(sender.read().status == 202);
  sender.finish_sending();
  REQUIRE(all.get_future().wait_for(10s) == std::future_status::ready);
  ingress->stop(one_done);
  CHECK(stopped == 5);
}

TEST_CASE("an ingress that was stopped does not start any more") {
  HttpIngress ingress(on_free_port());
  bool stopped = false;
  ingress.stop([&] { stopped = true; });
  CHECK(stopped);
  CHECK(ingress.start(accept_at_once) == Error::stopped);
  CHECK_FALSE(ingress.status().listening);
}

TEST_CASE("destroying an ingress in the middle of a stop completes that stop") {
  HeldAccept accept;
  auto ingress = make_ingress({}, accept.function());
  HttpClient sender(ingress->port());
  sender.send(a_callback);
  auto held = accept.take(1);
  std::atomic<int> stopped = 0;
  for (int times = 0; times < 2; ++times) ingress->stop([&] { ++stopped; });
  ingress.reset();
  CHECK(stopped == 2);
  CHECK(sender.ended());
  held.front().done({}, Receipt{1, 1, {}});  // it may come long after
}

TEST_CASE("an ingress may be destroyed inside each of its handlers, and calls none after that") {
  std::unique_ptr<HttpIngress> ingress;
  std::atomic<int> calls = 0;
  std::promise<void> destroyed;
  const auto destroy = [&] {
    if (++calls > 1) return;
    ingress.reset();
    destroyed.set_value();
  };
  std::string requests = a_callback + a_callback + a_callback;
  const auto handler = [&] {
    destroy();
    return std::string("because");
  };
  SUBCASE("accept") {
    ingress = make_ingress({}, [&](auto, auto done) {
      destroy();
      done({}, Receipt{1, 1, {}});
    });
  }
  SUBCASE("why_not") {
    ingress =
        make_ingress({.why_not = handler}, [&](auto, auto done) { done(Error::not_durable, {}); });
  }
  SUBCASE("not_ready") {
    requests = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\nGET /readyz HTTP/1.1\r\nHost: a\r\n\r\n";
    ingress = make_ingress({.not_ready = handler}, accept_at_once);
  }
  HttpClient sender(ingress->port());
  sender.send(requests);
  REQUIRE(destroyed.get_future().wait_for(10s) == std::future_status::ready);
  while (!sender.ended()) (void)sender.read();  // its loop has ended
  CHECK(calls == 1);
}

TEST_CASE("an ingress destroyed while completions arrive") {
  for (std::size_t trial = 0; trial < 20; ++trial) {
    Completing queue;
    auto ingress = make_ingress({}, queue.function());
    HttpClient sender(ingress->port());
    for (int times = 0; times < 20; ++times) sender.send(a_callback);
    while (queue.accepted() < trial) std::this_thread::yield();
    ingress.reset();
    const auto accepted = queue.accepted();
    for (int times = 0; times < 10; ++times) std::this_thread::yield();
    CHECK(queue.accepted() == accepted);
  }
}

}  // namespace test
