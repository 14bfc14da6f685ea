#include "rabbitmq/confirm_window.hpp"

#include <doctest/doctest.h>

#include <random>

#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::rabbitmq;
using namespace std::chrono_literals;

namespace {

struct Window : ConfirmWindow {
  std::vector<Ended> ended;
  void send(Sequence sequence, std::uint32_t messages, SteadyTime due = {}) {
    add({Kind::callback, sequence, {}, 0, messages, due, {}});
  }
  std::vector<Sequence> take(std::error_code error = {}) {
    std::vector<Sequence> sequences;
    for (const auto& [sent, what, nacked] : ended) {
      CHECK(what == error);
      sequences.push_back(sent.sequence);
    }
    ended.clear();
    return sequences;
  }
};
using Sequences = std::vector<Sequence>;

}  // namespace

TEST_CASE_FIXTURE(Window, "a callback ends with the last confirm of its messages (S1)") {
  send(1, 2);
  send(2, 1);
  confirm(1, false, ended);
  CHECK(take().empty());
  confirm(3, false, ended);
  CHECK(take() == Sequences{2});
  confirm(2, false, ended);
  CHECK(take() == Sequences{1});
  CHECK(empty());
}

TEST_CASE_FIXTURE(Window, "a multiple confirm releases everything up to it") {
  for (Sequence sequence = 1; sequence <= 10; ++sequence) send(sequence, 3);
  confirm(7, false, ended);
  confirm(10, true, ended);
  CHECK(take() == Sequences{1, 2, 3});
  confirm(0, true, ended);
  CHECK(take().size() == 7);
  CHECK(empty());
}

TEST_CASE_FIXTURE(Window, "a refused message fails its callback once, whatever is confirmed (S1)") {
  send(1, 3);
  confirm(1, false, ended);
  nack(2, false, ended);
  CHECK(take(Error::not_durable) == Sequences{1});
  confirm(3, false, ended);
  CHECK(take().empty());
  CHECK(empty());
}

TEST_CASE_FIXTURE(Window,
                  "a returned message fails its callback, although a confirm follows (S1)") {
  send(1, 1);
  send(2, 2);
  send(3, 1);
  returned(2, ended);
  CHECK(take(Error::not_durable) == Sequences{2});
  confirm(4, true, ended);
  CHECK(take() == Sequences{1, 3});
}

TEST_CASE_FIXTURE(Window, "what is overdue ends once, and what is due next is known (S9)") {
  const SteadyTime start{};
  send(1, 1, start + 1ms);
  send(2, 1, start + 2ms);
  send(3, 1, start + 3ms);
  CHECK(next_due() == start + 1ms);
  confirm(1, false, ended);
  CHECK(take() == Sequences{1});
  CHECK(next_due() == start + 2ms);
  overdue(start + 2ms, ended);
  CHECK(take(Error::not_durable) == Sequences{2});
  CHECK(next_due() == start + 3ms);
  confirm(2, false, ended);
  CHECK(take().empty());
  overdue(start + 9ms, ended);
  CHECK(take(Error::not_durable) == Sequences{3});
  CHECK(next_due() == SteadyTime::max());
}

TEST_CASE_FIXTURE(Window, "confirms of nothing that was sent are ignored") {
  confirm(1, false, ended);
  confirm(5, true, ended);
  send(1, 1);
  confirm(2, true, ended);
  confirm(0, false, ended);
  CHECK(take().empty());
  confirm(1, true, ended);
  confirm(1, true, ended);
  CHECK(take() == Sequences{1});
}

TEST_CASE_FIXTURE(Window, "after a connection everything has failed, and tags begin again") {
  send(1, 2);
  confirm(1, false, ended);
  send(2, 1);
  fail_all(Error::not_durable, ended);
  CHECK(take(Error::not_durable) == Sequences{1, 2});
  send(3, 1);
  confirm(1, false, ended);
  CHECK(take() == Sequences{3});
}

TEST_CASE_FIXTURE(Window, "in any order of confirms each callback ends exactly once") {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::uint64_t first = 1, last = 0;
    Sequence sent = 0;
    std::vector<int> ends(1);
    fail_all({}, ended);
    ended.clear();
    for (int step = 0; step < 100; ++step) {
      if (random() % 2 == 0) {
        const auto messages = random() % 4 + 1;
        send(++sent, static_cast<std::uint32_t>(messages));
        ends.push_back(0);
        last += messages;
      } else if (last >= first) {
        const auto tag = first + random() % (last - first + 1);
        const bool multiple = random() % 3 == 0;
        random() % 5 == 0 ? nack(tag, multiple, ended) : confirm(tag, multiple, ended);
        if (multiple) first = tag + 1;
      }
    }
    confirm(0, true, ended);
    for (const auto& end : ended) ++ends[end.sent.sequence];
    for (Sequence sequence = 1; sequence <= sent; ++sequence) REQUIRE(ends[sequence] == 1);
    CHECK(empty());
  }
}
