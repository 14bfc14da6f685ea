// A broker that misbehaves: whatever it does is an error within 0.8 s, and the next connect heals.
#include "rabbitmq/fake_broker.hpp"

#include <doctest/doctest.h>

#include <future>

#include "conformance/queue_conformance.hpp"
#include "support/event_log.hpp"
#include "support/rabbit.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;
using conformance::Mailbox;
using rabbitmq::MessageType;

namespace {

bool is_callback(const std::string& body) {
  return body.at(1) == static_cast<char>(MessageType::callback);
}

RabbitOptions options_for(const FakeBroker& broker) {
  RabbitOptions options;
  options.url = broker.url();
  options.shards = 1;
  options.publisher = 5;
  options.tick = 20ms;
  options.heartbeat = 0ms;
  return options;
}

struct Client {
  explicit Client(const FakeBroker& broker) : Client(options_for(broker)) {}
  explicit Client(const RabbitOptions& options) : publisher(options, clock, log.log()) {}

  bool connect() {
    return within(5s, [&] { return publisher.status().connected; });
  }
  /// What an append comes to, and how long that takes.
  std::error_code append(std::chrono::milliseconds limit = 2s) {
    Mailbox<Receipt> receipts;
    const auto began = std::chrono::steady_clock::now();
    publisher.append(std::vector<ObjectId>{1, 2}, receipts.done());
    REQUIRE(receipts.wait(1));
    CHECK(std::chrono::steady_clock::now() - began < limit);
    return receipts.at(0).first;
  }

  ManualClock clock;
  EventLog log;
  RabbitPublisher publisher;
};

}  // namespace

TEST_CASE("what the broker confirms is accepted, and a stop says goodbye behind it") {
  std::atomic<int> last_type{0};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    last_type = body.at(1);
    peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  CHECK_FALSE(client.append());
  CHECK(client.publisher.status().accepted_ids == 2);
  std::promise<void> stopped;
  client.publisher.stop([&] { stopped.set_value(); });
  CHECK(stopped.get_future().wait_for(3s) == std::future_status::ready);
  CHECK(last_type == static_cast<int>(MessageType::goodbye));
  CHECK(client.append() == Error::stopped);
}

TEST_CASE("a tick says no more than what was stamped by then, and rises (S6)") {
  std::mutex mutex;
  std::vector<Timestamp> ticks;
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    std::vector<ObjectId> ids;
    const auto header = rabbitmq::decode_message(std::as_bytes(std::span(body)), ids);
    const std::lock_guard lock(mutex);
    if (header && header->type == MessageType::tick) ticks.push_back(header->stamp);
    peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  client.clock.advance(5s);
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return ticks.size();
  };
  const auto before = count();
  REQUIRE(within(5s, [&] { return count() >= before + 3; }));
  const std::lock_guard lock(mutex);
  CHECK(std::is_sorted(ticks.begin(), ticks.end()));
  CHECK(ticks.front() == client.clock.now() - 5s);
  CHECK(ticks.back() == client.clock.now());
}

TEST_CASE("no callback is accepted before all shards have confirmed the hello") {
  std::atomic<bool> confirming{false};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    if (confirming) peer.ack(tag, true);
  });
  Client client(broker);
  REQUIRE(within(5s, [&] { return client.publisher.status().connects > 0; }));
  CHECK(client.append(200ms) == Error::unavailable);
  confirming = true;
  REQUIRE(client.connect());
  CHECK_FALSE(client.append());
}

TEST_CASE("a nack means that the callback was not accepted (S1)") {
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    is_callback(body) ? peer.nack(tag) : peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  CHECK(client.append(500ms) == Error::not_durable);
  CHECK(client.publisher.status().nacked == 1);
}

TEST_CASE("a return means that the callback was not accepted, and the queues are declared again") {
  std::atomic<int> returns{0};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    if (is_callback(body) && returns++ == 0) peer.give_back(body);
    peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  CHECK(client.append(500ms) == Error::not_durable);
  REQUIRE(within(5s, [&] { return broker.connects() == 2; }));
  REQUIRE(client.connect());
  CHECK_FALSE(client.append());
  CHECK(client.publisher.status().returned == 1);
}

TEST_CASE("a callback that is not confirmed in time was not accepted; later ones may be (S9)") {
  std::atomic<int> callbacks{0};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    if (!is_callback(body) || ++callbacks > 1) peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  CHECK(client.append(1'000ms) == Error::not_durable);
  CHECK(client.publisher.status().overdue == 1);
  CHECK_FALSE(client.append());
  CHECK(broker.connects() == 1);
}

TEST_CASE("multiple confirms release all callbacks up to theirs") {
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
    if (!is_callback(body)) peer.ack(tag, true);
  });
  Client client(broker);
  REQUIRE(client.connect());
  Mailbox<Receipt> receipts;
  for (int i = 0; i < 100; ++i) client.publisher.append(std::vector<ObjectId>{i}, receipts.done());
  REQUIRE(receipts.wait(100));
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK_FALSE(receipts.at(i).first);
    CHECK(receipts.at(i).second.sequence == receipts.at(0).second.sequence + i);
  }
}

TEST_CASE("a blocked connection takes nothing, at once, until it is unblocked (S9)") {
  std::atomic<int> state{0};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    peer.ack(tag);
    if (state == 1) peer.block(true), state = 2;
  });
  Client client(broker);
  REQUIRE(client.connect());
  state = 1;
  REQUIRE(within(5s, [&] { return client.publisher.status().blocked; }));
  CHECK(client.append(200ms) == Error::unavailable);
  CHECK(client.publisher.status().refused == 1);
}

TEST_CASE("whatever ends a connection fails what is on its way, and the next one heals (S9)") {
  std::atomic<bool> trouble{true};
  const std::vector<std::function<void(FakeBroker::Peer&)>> ends = {
      [](FakeBroker::Peer& peer) { peer.hang_up(); },
      [](FakeBroker::Peer& peer) { peer.close_channel(); },
      [](FakeBroker::Peer& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n and so on"); },
      [](FakeBroker::Peer& peer) { peer.send(FakeBroker::frame(1, 1, "\xff\xff\xff\xff")); },
      [](FakeBroker::Peer& peer) { peer.send(std::string(5'000, '\xff')); },
      [](FakeBroker::Peer& peer) { peer.send(FakeBroker::frame(1, 1, "")); }};
  for (const auto& end : ends) {
    trouble = true;
    FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
      is_callback(body) && trouble ? end(peer) : peer.ack(tag);
    });
    Client client(broker);
    REQUIRE(client.connect());
    CHECK(client.append(1'000ms) == Error::not_durable);
    trouble = false;
    REQUIRE(within(5s, [&] { return broker.connects() == 2; }));
    REQUIRE(client.connect());
    CHECK_FALSE(client.append());
  }
}

TEST_CASE("garbage in place of a handshake is no connection, and the next try heals") {
  FakeBroker broker;
  auto options = options_for(broker);
  options.reconnect_max = 100ms;
  broker.greet_with("HTTP/1.1 400 Bad Request\r\n\r\n");
  Client client(options);
  REQUIRE(within(5s, [&] { return broker.connects() >= 2; }));
  CHECK_FALSE(client.publisher.status().trouble.empty());
  CHECK(client.append(200ms) == Error::unavailable);
  broker.greet_with("");
  REQUIRE(client.connect());
  CHECK(client.publisher.status().trouble.empty());
}

TEST_CASE("a broker that confirms nothing is left after seconds") {
  FakeBroker broker([&](FakeBroker::Peer&, std::uint64_t, const std::string&) {});
  Client client(broker);
  REQUIRE(within(8s, [&] { return broker.connects() == 2; }));
  CHECK(client.log.count("confirms nothing") == 1);
}

TEST_CASE(
    "a broker that falls silent is an error in time, and stopping does not wait for it (S9)") {
  FakeBroker broker;
  auto client = std::make_unique<Client>(broker);
  REQUIRE(client->connect());
  broker.freeze();
  CHECK(client->append(1'000ms) == Error::not_durable);
  Mailbox<Receipt> receipts;
  client->publisher.append(std::vector<ObjectId>{1}, receipts.done());
  const auto began = std::chrono::steady_clock::now();
  client.reset();
  CHECK(std::chrono::steady_clock::now() - began < 1s);
  REQUIRE(receipts.wait(1));
  CHECK(receipts.at(0).first);
}

TEST_CASE("a broker that takes nothing from the socket holds up nobody (S9)") {
  FakeBroker broker;
  auto options = options_for(broker);
  options.buffer_bytes_max = 1 << 20;
  Client client(options);
  REQUIRE(client.connect());
  broker.freeze();
  std::vector<ObjectId> ids(10'000);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<ObjectId>(i) << 40;
  Mailbox<Receipt> receipts;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) client.publisher.append(ids, receipts.done());
  CHECK(std::chrono::steady_clock::now() - began < 2s);
  REQUIRE(receipts.wait(300));
  for (std::size_t i = 0; i < 300; ++i) CHECK(receipts.at(i).first);
  CHECK(client.publisher.status().refused > 0);
}

TEST_CASE("a message that cannot be read is rejected, and what follows is delivered") {
  const auto good = FakeBroker::message({MessageType::callback, 1, 2, 3, Timestamp(4us)}, {7});
  FakeBroker broker({}, [&](FakeBroker::Peer& peer) {
    peer.deliver(1, "nonsense");
    peer.deliver(2, "");
    peer.deliver(3, good);
  });
  ManualClock clock;
  EventLog log;
  RabbitQueue queue(options_for(broker), 0, clock, log.log());
  const auto delivery = conformance::read(queue);
  CHECK(delivery.ids == std::vector<ObjectId>{7});
  CHECK(within(5s, [&] { return broker.rejected() == 2; }));
  CHECK(log.count("cannot be read") == 2);
  queue.acknowledge(1);
  CHECK(within(5s, [&] { return broker.acknowledged() == 3; }));
}

TEST_CASE("what is carried forward comes back after its append is done, however fast it is") {
  // The broker delivers first and confirms later.
  FakeBroker::Peer* consumer = nullptr;
  std::mutex mutex;
  FakeBroker broker(
      [&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string& body) {
        const std::lock_guard lock(mutex);
        consumer->deliver(tag, body);
        std::thread([&peer, tag] {
          std::this_thread::sleep_for(100ms);
          peer.ack(tag);
        }).detach();
      },
      [&](FakeBroker::Peer& peer) {
        const std::lock_guard lock(mutex);
        consumer = &peer;
      });
  ManualClock clock;
  RabbitQueue queue(options_for(broker), 0, clock);
  REQUIRE(within(5s, [&] { return queue.details().connected; }));
  Mailbox<Receipt> first;
  queue.append(std::vector<ObjectId>{1}, clock.now(), first.done());  // connects
  REQUIRE(first.wait(1));
  std::atomic<bool> done{false};
  std::atomic<bool> early{false};
  Mailbox<Delivery> deliveries;
  queue.read(10, [&, then = deliveries.done()](std::error_code error, Delivery delivery) {
    if (!done) early = true;
    then(error, std::move(delivery));
  });
  const auto carry = [&] {
    Mailbox<Receipt> receipts;
    queue.append(std::vector<ObjectId>{1}, clock.now() - 5s,
                 [&, then = receipts.done()](std::error_code error, const Receipt& receipt) {
                   if (!error) done = true;
                   then(error, receipt);
                 });
    REQUIRE(receipts.wait(1));
    return receipts.at(0).first;
  };
  REQUIRE(within(5s, [&] { return !carry(); }));
  REQUIRE(deliveries.wait(1));
  CHECK_FALSE(early);
  const auto delivery = deliveries.at(0).second;
  CHECK(delivery.entries.at(0).carried);
  CHECK(delivery.entries.at(0).received_at == clock.now() - 5s);
  CHECK(queue.heard_before(Timestamp::max()).empty());
}

TEST_CASE("a consumer that its queue has forgotten consumes again within seconds (S9)") {
  FakeBroker broker;
  broker.say_consumers(0);
  ManualClock clock;
  EventLog log;
  RabbitQueue queue(options_for(broker), 0, clock, log.log());
  CHECK(within(8s, [&] { return broker.connects() >= 2; }));
  CHECK(log.count("forgotten its consumer") == 1);
}

TEST_CASE("a nack is told once, and over when a round of ticks is confirmed again") {
  std::atomic<bool> full{false};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    full ? peer.nack(tag) : peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  CHECK_FALSE(client.publisher.status().refusing);
  full = true;
  CHECK(client.append(500ms) == Error::not_durable);
  CHECK(client.append(500ms) == Error::not_durable);
  CHECK(client.publisher.status().refusing);
  CHECK(client.publisher.status().nacked == 2);
  CHECK(client.log.count("the broker refuses messages") == 1);
  full = false;
  REQUIRE(within(5s, [&] { return !client.publisher.status().refusing; }));
  CHECK(client.log.count("takes messages again") == 1);
  CHECK_FALSE(client.append());
}

TEST_CASE("a broker that refuses all that comes by one connection is asked on another (S9)") {
  std::atomic<bool> refuses{false};
  std::atomic<FakeBroker*> connected{nullptr};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    refuses&& connected.load()->connects() == 1 ? peer.nack(tag) : peer.ack(tag);
  });
  connected = &broker;
  Client client(broker);
  REQUIRE(client.connect());
  refuses = true;
  CHECK(client.append(500ms) == Error::not_durable);
  REQUIRE(within(10s, [&] { return !client.publisher.status().refusing; }));
  CHECK(broker.connects() == 2);
  CHECK_FALSE(client.append());
  CHECK(client.log.count("the broker refuses messages") == 1);
  CHECK(client.log.count("takes messages again") == 1);
}

TEST_CASE("a broker that goes on refusing is asked anew more and more rarely, and told of once") {
  std::atomic<bool> full{false};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    full ? peer.nack(tag) : peer.ack(tag);
  });
  Client client(broker);
  REQUIRE(client.connect());
  full = true;
  CHECK(client.append(500ms) == Error::not_durable);
  REQUIRE(within(10s, [&] { return broker.connects() == 2; }));
  const auto second = std::chrono::steady_clock::now();
  REQUIRE(within(10s, [&] { return broker.connects() == 3; }));
  CHECK(std::chrono::steady_clock::now() - second > 3s);  // four, where it was two before
  CHECK(client.publisher.status().refusing);
  CHECK(client.log.count("the broker refuses messages") == 1);
  CHECK(client.log.count("perhaps not on another channel") == 1);
}

TEST_CASE("ticks come slower where nobody consumes, and at once when somebody does") {
  std::atomic<int> ticks{0};
  FakeBroker broker([&](FakeBroker::Peer& peer, std::uint64_t tag, const std::string&) {
    ++ticks;
    peer.ack(tag);
  });
  broker.say_consumers(0);
  Client client(broker);
  REQUIRE(client.connect());
  REQUIRE(within(10s, [&] {
    const int before = ticks;
    std::this_thread::sleep_for(500ms);
    return ticks <= before + 1;  // of 25
  }));
  broker.say_consumers(1);
  const int before = ticks;
  CHECK(within(5s, [&] { return ticks >= before + 20; }));
}

TEST_CASE("what gets less though nobody consumes it is lost, and told once") {
  FakeBroker broker;
  broker.say_consumers(0);
  broker.say_messages(100);
  Client client(broker);
  REQUIRE(client.connect());
  REQUIRE(within(5s, [&] { return client.publisher.status().dead.has_value(); }));
  broker.say_messages(60);
  std::this_thread::sleep_for(1'500ms);
  broker.say_messages(30);
  REQUIRE(within(5s, [&] { return client.publisher.status().lost >= 70; }));
  CHECK(client.publisher.status().losing);
  CHECK(client.log.count("gone from queues that nobody consumes") == 1);
}

TEST_CASE("a message that is too large is rejected, and what is behind it is handed over") {
  const rabbitmq::MessageHeader header{MessageType::callback, 5, 6, 7, Timestamp{}};
  FakeBroker broker([](FakeBroker::Peer&, std::uint64_t, const std::string&) {},
                    [&](FakeBroker::Peer& peer) {
                      peer.deliver_in_pieces(1, (std::size_t{64} << 20) + 1);
                      peer.deliver(2, FakeBroker::message(header, {1, 2}));
                    });
  ManualClock clock;
  EventLog log;
  RabbitQueue queue(options_for(broker), 0, clock, log.log());
  Mailbox<Delivery> deliveries;
  queue.read(10, deliveries.done());
  REQUIRE(deliveries.wait(1));
  CHECK(deliveries.at(0).second.ids == std::vector<ObjectId>{1, 2});
  CHECK(within(5s, [&] { return broker.rejected() == 1; }));
  CHECK(queue.details().rejected == 1);
  CHECK(queue.details().rejected_last.find("67108865") != std::string::npos);
  CHECK(log.count("postoffice.0: a message of 67108865 bytes") == 1);
}

TEST_CASE("of several hosts one that does not answer is passed over") {
  FakeBroker broker;
  auto options = options_for(broker);
  options.url = "amqp://127.0.0.1:1," + broker.url().substr(7) + ",127.0.0.1:1";
  Client client(options);
  REQUIRE(client.connect());
  CHECK_FALSE(client.append());
}
