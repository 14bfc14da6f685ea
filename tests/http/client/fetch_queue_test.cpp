#include "http/client/fetch_queue.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "postoffice/error.hpp"

using namespace postoffice;
using namespace postoffice::http;
using namespace std::chrono_literals;

namespace {

struct Line {
  FetchQueue::Put put(ObjectId id) {
    ObjectSource::Done done = [this, id](FetchResult result) {
      completed.push_back(id);
      errors.push_back(result.error);
    };
    return queue.put(id, 1s, done);
  }

  void complete() {
    while (queue.any_ended()) {
      auto [done, result] = queue.take_ended();
      done(std::move(result));
    }
  }

  FetchQueue queue{2, std::chrono::steady_clock::now()};
  std::vector<ObjectId> completed;
  std::vector<std::error_code> errors;
};

}  // namespace

TEST_CASE_FIXTURE(Line, "the owner is told of the first arrival only, until it has come") {
  CHECK(put(1) == FetchQueue::Put::tell);
  CHECK(put(2) == FetchQueue::Put::expected);
  CHECK(queue.take_arrived());
  CHECK(put(3) == FetchQueue::Put::tell);
  queue.take_arrived();
  queue.expect_arrivals();
  CHECK(put(4) == FetchQueue::Put::expected);
  CHECK(queue.take_arrived());
  CHECK_FALSE(queue.take_arrived());
}

TEST_CASE_FIXTURE(Line, "fetches leave in the order of their arrival, those that come back first") {
  put(1);
  put(2);
  put(3);
  queue.take_arrived();
  FetchList first;
  FetchList second;
  Fetch& one = queue.next_waiting(first);
  CHECK(one.id == 1);
  queue.retry(one);
  CHECK(queue.wanting() == 3);
  CHECK(queue.first_wanting().id == 1);
  CHECK(queue.next_wanting(first).id == 1);
  CHECK(queue.next_wanting(second).id == 2);
  CHECK(queue.wanting() == 1);
  CHECK(queue.any_waiting());
  queue.end(first.front(), {});
  queue.end(second.front(), {});
  complete();
  CHECK(completed == std::vector<ObjectId>{1, 2});
  queue.close();
  complete();
}

TEST_CASE_FIXTURE(Line, "whoever waits too long is named, once") {
  put(1);
  queue.take_arrived();
  int expired = 0;
  const auto expire = [&](Fetch& fetch) {
    ++expired;
    FetchResult result;
    result.error = Error::timed_out;
    queue.end(fetch, std::move(result));
  };
  const auto later = std::chrono::steady_clock::now() + 2s;
  queue.expire(later, expire);
  queue.expire(later + 10s, expire);
  CHECK(expired == 1);
  CHECK_FALSE(queue.any_deadline());
  complete();
  CHECK(errors == std::vector<std::error_code>{Error::timed_out});
}

TEST_CASE_FIXTURE(Line, "a queue that is closed ends all that waits, and takes nothing more") {
  put(1);
  put(2);
  queue.take_arrived();
  FetchList carrier;
  queue.retry(queue.next_waiting(carrier));
  put(3);
  queue.close();
  CHECK(put(4) == FetchQueue::Put::closed);
  complete();
  CHECK(completed == std::vector<ObjectId>{2, 3, 1});
  CHECK(errors == std::vector<std::error_code>(3, Error::stopped));
  CHECK_FALSE(queue.any_deadline());
}
