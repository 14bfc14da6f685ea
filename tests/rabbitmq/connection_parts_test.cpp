// What a connection decides by, without a socket: frames, heartbeats, how queues are declared.
#include <amqp.h>
#include <doctest/doctest.h>

#include "rabbitmq/fake_broker.hpp"
#include "rabbitmq/frame_reader.hpp"
#include "rabbitmq/heartbeat.hpp"
#include "rabbitmq/queue_declaration.hpp"
#include "rabbitmq/send_buffer.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;
using namespace std::chrono_literals;
using postoffice::testing::FakeBroker;

namespace {

constexpr SteadyTime start(1h);

using Text = FakeBroker::Text;
constexpr auto number = FakeBroker::number;
constexpr auto short_text = FakeBroker::short_text;

Text method(int class_id, int method_id, const Text& arguments) {
  return FakeBroker::frame(1, 1,
                           number(static_cast<std::uint64_t>(class_id), 2) +
                               number(static_cast<std::uint64_t>(method_id), 2) + arguments);
}

Text delivery(std::uint64_t tag, bool redelivered = false) {
  return method(60, 60,
                short_text("postoffice") + number(tag, 8) + number(redelivered, 1) +
                    short_text("") + short_text("q"));
}

Text header(std::uint64_t size) {
  return FakeBroker::frame(2, 1, number(60, 2) + number(0, 2) + number(size, 8) + number(0, 2));
}

Text piece(const Text& bytes) { return FakeBroker::frame(3, 1, bytes); }

/// What a reader said, in short.
struct Reader : FrameSink {
  ~Reader() { amqp_destroy_connection(state); }

  bool read(const Text& bytes) {
    failure = reader.read(std::as_bytes(std::span(bytes)), *this);
    return !failure;
  }
  void on_confirm(std::uint64_t tag, bool multiple) override { say("ack", tag, multiple); }
  void on_nack(std::uint64_t tag, bool multiple) override { say("nack", tag, multiple); }
  void on_return(Bytes body) override { said += "return " + std::to_string(body.size()) + "; "; }
  void on_deliver(std::uint64_t tag, bool redelivered, std::string_view, Bytes body) override {
    say("deliver", tag, redelivered);
    bodies.emplace_back(reinterpret_cast<const char*>(body.data()), body.size());
  }
  void on_huge(std::uint64_t tag, std::uint64_t) override { say("huge", tag, false); }
  void on_blocked(bool blocked) override { said += blocked ? "blocked; " : "unblocked; "; }
  void on_answer(const QueueAnswer& answer) override {
    said += answer.queue + " " + std::to_string(answer.messages) + "; ";
  }
  void say(const std::string& what, std::uint64_t tag, bool more) {
    said += what + " " + std::to_string(tag) + (more ? " more; " : "; ");
  }

  amqp_connection_state_t state = amqp_new_connection();
  FrameReader reader{state};
  std::string said;
  std::vector<std::string> bodies;
  postoffice::Failure failure;
};

using Step = QueueDeclaration::Step;
const std::string other_limit =
    "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'q' in vhost '/': "
    "received none but current is the value '7' of type 'signedint'";
const std::string other_type =
    "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received "
    "'quorum' but current is 'classic'";

}  // namespace

TEST_CASE_FIXTURE(Reader, "bytes are the same messages wherever the network has cut them") {
  const Text all = method(60, 80, number(3, 8) + number(1, 1)) + delivery(1) + header(5) +
                   piece("abc") + piece("de") + method(60, 120, number(4, 8) + number(0, 1)) +
                   delivery(2, true) + header(0) +
                   method(50, 11, short_text("q") + number(8, 4) + number(0, 4));
  for (std::size_t size = 1; size <= all.size(); ++size) {
    said.clear();
    bodies.clear();
    for (std::size_t at = 0; at < all.size(); at += size) REQUIRE(read(all.substr(at, size)));
    REQUIRE(said == "ack 3 more; deliver 1; nack 4; deliver 2 more; q 8; ");
    REQUIRE(bodies == std::vector<std::string>{"abcde", ""});
  }
}

TEST_CASE_FIXTURE(Reader, "a body that is too large is dropped, and what follows is read") {
  constexpr std::uint64_t size = (64u << 20) + 1;
  const Text full = piece(Text(32'768, 'x'));
  REQUIRE(read(delivery(1) + header(size)));
  for (auto left = size; left > 1; left -= 32'768) REQUIRE(read(full));
  CHECK(said.empty());
  REQUIRE(read(piece("x") + delivery(2) + header(1) + piece("a")));
  CHECK(said == "huge 1; deliver 2; ");
  CHECK(bodies == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(Reader, "a channel that is closed says why, and which right is missing") {
  SUBCASE("to publish") {
    CHECK_FALSE(read(method(
        20, 40, number(403, 2) + short_text("ACCESS_REFUSED") + number(60, 2) + number(40, 2))));
    CHECK(failure.message.find("403 ACCESS_REFUSED (to publish") != std::string::npos);
  }
  SUBCASE("nothing of the kind") {
    CHECK_FALSE(read(method(20, 40, number(541, 2) + short_text("ERROR") + number(0, 4))));
    CHECK(failure.message == "the broker closes: 541 ERROR");
  }
  SUBCASE("no AMQP at all") {
    CHECK_FALSE(read(Text(100, '\x7f') + "\xce"));
    CHECK(failure.message.find("garbage") != std::string::npos);
  }
}

TEST_CASE("heartbeats are sent when nothing else is, and silence ends the connection (S9)") {
  Heartbeat heartbeat;
  CHECK(heartbeat.due(start + 1h, true) == Heartbeat::Action::none);  // there are none
  CHECK(heartbeat.next(start) == SteadyTime::max());
  heartbeat.begin(4s, start);
  CHECK(heartbeat.next(start) == start + 2s);
  CHECK(heartbeat.due(start + 1999ms, true) == Heartbeat::Action::none);
  CHECK(heartbeat.due(start + 2s, true) == Heartbeat::Action::send);
  CHECK(heartbeat.due(start + 2s, false) == Heartbeat::Action::none);
  heartbeat.spoke(start + 2s);
  CHECK(heartbeat.due(start + 2s, true) == Heartbeat::Action::none);
  CHECK(heartbeat.due(start + 8s, true) == Heartbeat::Action::give_up);
  heartbeat.heard(start + 1s);
  CHECK(heartbeat.due(start + 8s, true) == Heartbeat::Action::send);
}

TEST_CASE("what a socket takes piece by piece goes in order, whatever is appended meanwhile") {
  SendBuffer buffer;
  std::vector<std::byte> taken;
  std::uint8_t next = 0;
  for (std::size_t step = 0; step < 300; ++step) {
    for (std::size_t i = 0; i < step % 7; ++i) buffer.end().push_back(std::byte{next++});
    const auto count = std::min(buffer.unsent().size(), step % 5);
    const auto bytes = buffer.unsent().first(count);
    taken.insert(taken.end(), bytes.begin(), bytes.end());
    buffer.sent(count);
  }
  for (std::size_t i = 0; i < taken.size(); ++i) REQUIRE(taken[i] == std::byte(i));
  CHECK(buffer.unsent().front() == std::byte(taken.size()));
  buffer.sent(buffer.unsent().size());
  CHECK(buffer.end().empty());
}

TEST_CASE("a queue that is missing is declared, and next time declared again") {
  QueueDeclaration queue("q", "dead", false);
  REQUIRE(queue.step() == Step::declare);
  queue.answer(0, "");
  CHECK(queue.step() == Step::done);
  CHECK_FALSE(queue.known());
}

TEST_CASE("a queue with other arguments is taken with a note, and only looked for next time") {
  QueueDeclaration queue("q", "dead", false);
  queue.answer(406, other_limit);
  REQUIRE(queue.step() == Step::declare);
  CHECK(std::count(queue.arguments().begin(), queue.arguments().end(),
                   Argument{"x-delivery-limit", std::int64_t{7}}) == 1);
  queue.answer(0, "");
  CHECK(queue.step() == Step::done);
  CHECK(queue.known());
  REQUIRE(queue.notes().size() == 1);
  CHECK(queue.notes()[0].find("x-delivery-limit 7") != std::string::npos);
}

TEST_CASE("a queue of another type is refused, and so is one that differs again and again") {
  QueueDeclaration queue("q", "dead", false);
  SUBCASE("type") { queue.answer(406, other_type); }
  SUBCASE("always") {
    for (int i = 0; i < 15; ++i) queue.answer(406, other_limit);
    REQUIRE(queue.goes_on());
    queue.answer(406, other_limit);
  }
  SUBCASE("no answer") { queue.answer(-1, "no answer"); }
  CHECK(queue.step() == Step::failed);
  CHECK(queue.reason().starts_with("declaring the queue q: "));
}

TEST_CASE("without the right to configure, what is there is trusted") {
  QueueDeclaration queue("q", "dead", false);
  queue.answer(403, "ACCESS_REFUSED");
  REQUIRE(queue.step() == Step::look_unseen);
  SUBCASE("there") {
    queue.answer(0, "");
    CHECK(queue.step() == Step::done);
    CHECK(queue.known());
  }
  SUBCASE("missing") {
    queue.answer(404, "NOT_FOUND");
    CHECK(queue.step() == Step::failed);
    CHECK(queue.reason().find("does not exist") != std::string::npos);
    CHECK(queue.reason().find("ACCESS_REFUSED") != std::string::npos);
  }
}

TEST_CASE("a known queue is looked for; if it is gone it is declared") {
  QueueDeclaration queue("q", "dead", true);
  REQUIRE(queue.step() == Step::look);
  SUBCASE("there") {
    queue.answer(0, "");
    CHECK(queue.step() == Step::done);
    CHECK(queue.known());
  }
  SUBCASE("gone") {
    queue.answer(404, "NOT_FOUND");
    REQUIRE(queue.step() == Step::declare);
    CHECK_FALSE(queue.known());
    queue.answer(0, "");
    CHECK_FALSE(queue.known());
  }
}
