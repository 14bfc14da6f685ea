#include "cluster/status_sum.hpp"

#include <doctest/doctest.h>

using namespace postoffice;
using namespace postoffice::cluster;

namespace {

PipelineStatus shard(std::uint64_t limit, std::chrono::seconds waiting, Timestamp now) {
  PipelineStatus status = nothing_done(now);
  status.fetch_limit = limit;
  status.fetches_in_flight = limit / 2;
  status.oldest_waiting.store = now - waiting;
  status.receipt_to_row.bounds = {1, 2};
  status.receipt_to_row.counts = {limit, 0, 1};
  status.receipt_to_row.count = limit + 1;
  status.receipt_to_row.sum = 3;
  return status;
}

}  // namespace

TEST_CASE("a worker's figures are those of its shards together") {
  using namespace std::chrono_literals;
  const Timestamp now(100s);
  PipelineStatus sum = nothing_done(now);
  add(sum, shard(10, 3s, now));
  add(sum, shard(30, 1s, now));
  CHECK(sum.fetch_limit == 40);
  CHECK(sum.fetches_in_flight == 20);
  CHECK(now - sum.oldest_waiting.store == 3s);
  CHECK(sum.receipt_to_row.counts == decltype(sum.receipt_to_row.counts){40, 0, 2});
  CHECK(sum.receipt_to_row.count == 42);
  CHECK(sum.receipt_to_row.sum == doctest::Approx(6));
}
