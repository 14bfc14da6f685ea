// Small decisions of the client: what is logged, how many connect at once.
#include <doctest/doctest.h>

#include "http/client/connect_window.hpp"
#include "http/client/refused_answers.hpp"
#include "net/address_book.hpp"

using namespace postoffice::http;
using postoffice::ObjectId;
using namespace std::chrono_literals;

TEST_CASE("each kind of refused answer is logged once, and again after a long absence") {
  RefusedAnswers answers;
  RefusedAnswers::Time now(1h);
  CHECK(answers.refused(Refusal::status_5xx, "HTTP 500", 1, now));
  CHECK_FALSE(answers.refused(Refusal::status_5xx, "HTTP 502", 1, now));
  CHECK(answers.refused(Refusal::json, "not JSON", 1, now));
  // As long as it goes on, it is not told again, however long that is.
  for (int minute = 0; minute < 60; ++minute) {
    now += 1min;
    CHECK_FALSE(answers.refused(Refusal::json, "not JSON", 1, now));
  }
  CHECK(answers.refused(Refusal::status_5xx, "HTTP 500", 1, now));
  CHECK(answers.counts()[static_cast<std::size_t>(Refusal::json)] == 61);
  CHECK(answers.counts()[static_cast<std::size_t>(Refusal::status_5xx)] == 3);
}

TEST_CASE("only refused answers: a run without any other, and not long ago") {
  RefusedAnswers answers;
  const RefusedAnswers::Time now(1h);
  for (std::uint64_t i = 0; i < 2 * RefusedAnswers::run_that_tells; ++i) {
    CHECK(answers.only_refused(now) == (i >= RefusedAnswers::run_that_tells));
    answers.refused(Refusal::types, "id is not an int64", static_cast<ObjectId>(i), now);
  }
  CHECK(answers.only_refused(now + 59s));
  CHECK_FALSE(answers.only_refused(now + 60s));
  answers.taken();
  CHECK_FALSE(answers.only_refused(now));
  answers.refused(Refusal::types, "id is not an int64", 1, now);
  CHECK_FALSE(answers.only_refused(now));
}

TEST_CASE("one id that is refused again and again says nothing about the others") {
  RefusedAnswers answers;
  const RefusedAnswers::Time now(1h);
  for (std::uint64_t i = 0; i < 10 * RefusedAnswers::run_that_tells; ++i) {
    answers.refused(Refusal::status_5xx, "HTTP 500", 77, now);
  }
  CHECK_FALSE(answers.only_refused(now));
  answers.refused(Refusal::status_5xx, "HTTP 500", 78, now);
  CHECK(answers.only_refused(now));
  answers.refused(Refusal::status_5xx, "HTTP 500", 78, now);
  CHECK(answers.only_refused(now));
  answers.taken();
  for (std::uint64_t i = 0; i < RefusedAnswers::run_that_tells; ++i) {
    answers.refused(Refusal::status_5xx, "HTTP 500", 77, now);
  }
  CHECK_FALSE(answers.only_refused(now));
}

TEST_CASE("every kind has a label of its own") {
  for (std::size_t one = 0; one < refusals; ++one) {
    for (std::size_t other = 0; other < one; ++other) {
      CHECK(std::string(label_of(static_cast<Refusal>(one))) !=
            label_of(static_cast<Refusal>(other)));
    }
  }
}

TEST_CASE("connects that are lost shrink the window once, quick ones open it again") {
  ConnectWindow window(256);
  ConnectWindow::Time now(1h);
  CHECK_FALSE(window.alive(now));
  CHECK(window.stuck_after(now, 2s) == 2s);
  CHECK(window.size() == 16);
  for (int i = 0; i < 1'000; ++i) window.connected(now, now + 1ms);
  CHECK(window.size() == 256);
  CHECK(window.stuck_after(now, 2s) == 100ms);
  CHECK(window.alive(now + 4s));
  CHECK_FALSE(window.alive(now + 6s));
  for (int i = 0; i < 256; ++i) window.lost(now);
  CHECK(window.size() == 128);
  for (int round = 0; round < 10; ++round) window.lost(now += 100ms);
  CHECK(window.size() == 1);
  // Slowly from here on: a round of them for each one more.
  for (int i = 0; i < 10; ++i) window.connected(now, now + 1ms);
  CHECK(window.size() == 5);
  // A long way to the source is not a loss.
  for (int i = 0; i < 100; ++i) window.connected(now, now + 200ms);
  CHECK(window.stuck_after(now, 2s) > 1s);
}
