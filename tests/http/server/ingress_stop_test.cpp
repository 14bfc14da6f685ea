// A stop answers accepted connections, and ends.
#include <thread>

#include "http/server/office.hpp"

namespace test {

namespace {

// The stop has begun once connections are refused.
bool refuses(std::uint16_t port) {
  try {
    HttpClient client(port);
    return false;
  } catch (const std::exception&) {
    return true;
  }
}

}  // namespace

TEST_CASE("stopping answers what was read, closes what is idle, and says so once") {
  HeldOffice office;
  const auto port = office.ingress->port();
  HttpClient idle(port);
  HttpClient busy(port);
  CHECK(idle.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
  busy.send(callback(good_body));
  auto held = office.accept.take(1);
  std::atomic<int> stopped{0};
  office.ingress->stop([&] { ++stopped; });
  CHECK(eventually([&] { return refuses(port); }));
  CHECK(stopped == 0);
  held[0].done({}, Receipt{1, 1, {}});
  const Response response = busy.read();
  CHECK(response.status == 202);
  CHECK(response.fields.at("connection") == "close");
  CHECK(busy.ended());
  busy.finish_sending();
  CHECK(idle.ended());
  CHECK(eventually([&] { return stopped == 1; }));
}

// S10: the client cannot know of the stop; it has a second to send its next request.
TEST_CASE("stopping: a connection accepted or used just now is still answered") {
  HttpIngress ingress(on_free_port());
  REQUIRE_FALSE(ingress.start([](auto, auto done) { done({}, Receipt{1, 1, {}}); }));
  const auto port = ingress.port();
  HttpClient fresh(port);
  HttpClient kept(port);
  CHECK(kept.exchange(callback(good_body)).fields.count("connection") == 0);
  CHECK(eventually([&] { return ingress.status().connections == 2; }));
  std::promise<void> stopped;
  ingress.stop([&] { stopped.set_value(); });
  CHECK(eventually([&] { return refuses(port); }));
  for (HttpClient* client : {&fresh, &kept}) {
    const Response response = client->exchange(callback(good_body));
    CHECK(response.status == 202);
    CHECK(response.fields.at("connection") == "close");
    CHECK(client->ended());
    client->finish_sending();
  }
  CHECK(stopped.get_future().wait_for(5s) == std::future_status::ready);
}

// Pages show the status from their own thread, and may be asked at any time.
TEST_CASE("status() says whether it listens, before, during and after") {
  for (int round = 0; round < 20; ++round) {
    HttpIngress ingress(on_free_port());
    CHECK_FALSE(ingress.status().listening);
    std::promise<void> seen;
    std::thread asking([&] {
      while (!ingress.status().listening) std::this_thread::yield();
      seen.set_value();
    });
    REQUIRE_FALSE(ingress.start([](auto, auto done) { done({}, {}); }));
    seen.get_future().wait();
    asking.join();
    std::promise<void> stopped;
    ingress.stop([&] { stopped.set_value(); });
    CHECK_FALSE(ingress.status().listening);
    stopped.get_future().wait();
  }
}

TEST_CASE(
    "stopping works with nothing open, before the start, and from within its own completion") {
  std::atomic<int> stopped{0};
  HttpIngress never(on_free_port());
  never.stop([&] { ++stopped; });
  CHECK(stopped == 1);
  auto ingress = std::make_unique<HttpIngress>(on_free_port());
  REQUIRE_FALSE(ingress->start([](auto, auto done) { done({}, {}); }));
  ingress->stop([&] {
    ingress.reset();
    ++stopped;
  });
  CHECK(eventually([&] { return stopped == 2; }));
}

TEST_CASE("stopping under load: every callback answered 202 was accepted, and none comes after") {
  HttpIngressOptions options = on_free_port();
  options.threads = 2;
  HttpIngress ingress(options);
  std::atomic<long> accepted{0};
  std::atomic<bool> done_said{false};
  std::atomic<long> after{0};
  std::mutex mutex;
  std::vector<Queue::AppendDone> waiting;
  std::atomic<bool> finish{false};
  REQUIRE_FALSE(ingress.start([&](auto, Queue::AppendDone done) {
    if (done_said) ++after;
    const std::lock_guard lock(mutex);
    waiting.push_back(std::move(done));
  }));
  std::thread flusher([&] {
    while (true) {
      std::vector<Queue::AppendDone> batch;
      {
        const std::lock_guard lock(mutex);
        batch.swap(waiting);
      }
      if (batch.empty() && finish) return;
      for (auto& done : batch) {
        ++accepted;
        done({}, Receipt{1, 1, {}});
      }
      std::this_thread::sleep_for(1ms);  // as a disk takes its time
    }
  });
  std::atomic<long> answered{0};
  std::vector<std::thread> senders;
  for (int i = 0; i < 8; ++i) {
    senders.emplace_back([&] {
      HttpClient client(ingress.port());
      while (client.send(callback(good_body)) && client.read().status == 202) ++answered;
    });
  }
  CHECK(eventually([&] { return answered > 500; }));
  std::promise<void> stopped;
  ingress.stop([&] {
    done_said = true;
    stopped.set_value();
  });
  CHECK(stopped.get_future().wait_for(10s) == std::future_status::ready);
  for (auto& sender : senders) sender.join();
  finish = true;
  flusher.join();
  CHECK(after == 0);
  CHECK(answered <= accepted);
  CHECK(static_cast<long>(ingress.status().accepted) >= answered);
}

}  // namespace test
