// What people are told of a source, from how its newest fetches ended.
#include "core/source_news.hpp"

#include <doctest/doctest.h>

#include "core/simulated_server.hpp"
#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::core;
using namespace std::chrono_literals;

namespace {

using Failure = FetchNews::Failure;

FetchResult failed_with(Error error, std::string reason = {}) {
  return {error, 0, false, {}, std::move(reason)};
}

Timestamp at(Duration time) { return Timestamp(1h) + time; }

}  // namespace

TEST_CASE("a run of failures has a beginning, a last reason, and ends with an answer") {
  SourceNews source;
  CHECK(source.news().failures == 0);
  source.failed(1, true, failed_with(Error::unavailable, "Connection refused"), at(1s));
  source.failed(1, false, failed_with(Error::timed_out), at(2s));
  auto news = source.news();
  CHECK(news.failures == 2);
  CHECK(news.failing_since == at(1s));
  CHECK(news.failed_at == at(2s));
  CHECK(news.failure == Failure::timed_out);
  CHECK(news.reason == make_error_code(Error::timed_out).message());
  CHECK(news.of_one_id);
  source.failed(2, true, failed_with(Error::refused, "HTTP 500"), at(3s));
  news = source.news();
  CHECK(news.failure == Failure::refused);
  CHECK(news.reason == "HTTP 500");
  CHECK_FALSE(news.of_one_id);
  source.answered(at(3s), at(4s));
  news = source.news();
  CHECK(news.failures == 0);
  CHECK(news.failing_since == Timestamp::max());
  CHECK(news.reason == "HTTP 500");  // still the newest error
  CHECK(news.answered_at == at(4s));
  CHECK(news.latency == 1s);
  CHECK(news.of_one_id);
}

TEST_CASE("an id that fails again and again counts once among the newest fetches") {
  SourceNews source;
  for (int i = 0; i < 20; ++i) source.failed(7, i == 0, failed_with(Error::refused), at(1s));
  for (int i = 0; i < 9; ++i) source.answered(at(1s), at(2s));
  CHECK(source.news().newest == 10);
  CHECK(source.news().newest_failed == 1);
  for (int i = 0; i < 32; ++i) source.answered(at(1s), at(2s));
  CHECK(source.news().newest == FetchNews::newest_max);
  CHECK(source.news().newest_failed == 0);
}

TEST_CASE("with a source that answers late, the oldest fetch in line tells so before it is over") {
  ServedWorld world({100, 6s, 6s});
  world.receive_new(1);
  world.run(100ms);
  const auto began = world.stage().news().oldest_in_line;
  CHECK(began < Timestamp::max());
  world.new_ids_a_second(2);
  world.run(4s);
  CHECK(world.stage().news().answered_at == Timestamp::min());
  CHECK(world.stage().news().oldest_in_line == began);
  world.new_ids_a_second(0);
  world.run(9s);
  CHECK(world.stage().news().latency >= 6s);
  CHECK(world.stage().news().oldest_in_line == Timestamp::max());
}

TEST_CASE("two pipelines with one source know together what either has heard") {
  FetchNews one;
  one.failures = 3;
  one.failing_since = at(5s);
  one.failed_at = at(8s);
  one.reason = "HTTP 500";
  FetchNews other;
  CHECK(together(one, other).failures == 3);
  CHECK(together(other, one).failing_since == at(5s));
  CHECK(together(one, other).of_one_id);

  other.answered_at = at(6s);
  CHECK(together(one, other).failing_since == at(6s));
  CHECK(together(one, other).reason == "HTTP 500");
  other.answered_at = at(9s);
  CHECK(together(one, other).failures == 0);

  other = one;
  CHECK_FALSE(together(one, other).of_one_id);

  one = other = {};
  one.oldest_in_line = at(1s);
  CHECK(together(one, other).oldest_in_line == at(1s));
  other.newest_answered = at(4s);  // the other's fetch overtook it
  CHECK(together(one, other).oldest_in_line == at(4s));
}
