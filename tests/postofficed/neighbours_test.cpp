#include "daemon/neighbours.hpp"

#include <doctest/doctest.h>

#include "postoffice/error.hpp"

using namespace postofficed;
using postoffice::LogLevel;

namespace {

postoffice::PostgresInstanceStatus silent(std::uint64_t publisher, int shard, int seconds) {
  postoffice::PostgresInstanceStatus status;
  status.silent_instances = 1;
  status.silent = {.name = publisher ? "host:9090#7" : "worker:8",
                   .publisher = publisher,
                   .shard = shard,
                   .silent = std::chrono::seconds(seconds)};
  return status;
}

const postoffice::PostgresInstanceStatus nobody;

struct Inner final : postoffice::Ingress {
  std::error_code start(Accept accept) override {
    taken = std::move(accept);
    return {};
  }
  void stop(StopDone done) override { done(); }
  Accept taken;
};

}  // namespace

TEST_CASE("one line when deletes begin to wait for somebody silent, one when they no longer do") {
  SilenceReport report;
  CHECK_FALSE(report.look(nobody, "s"));
  const auto first = report.look(silent(0xab, -1, 61), "s");
  REQUIRE(first);
  CHECK(first->first == LogLevel::warning);
  CHECK(first->second.find("host:9090#7 (00000000000000ab), silent for 61 s") != std::string::npos);
  CHECK(first->second.find("`postofficed instances retire host:9090#7 --store 's'`") !=
        std::string::npos);
  CHECK_FALSE(report.look(silent(0xab, -1, 62), "s"));
  CHECK_FALSE(report.look(silent(0xab, -1, 3600), "s"));
  const auto last = report.look(nobody, "s");
  REQUIRE(last);
  CHECK(last->first == LogLevel::info);
  CHECK_FALSE(report.look(nobody, "s"));
}

TEST_CASE("a silent shard needs a worker rather than to be retired") {
  const auto advice = about_silent(silent(0, 3, 90), "s");
  REQUIRE(advice);
  CHECK(advice->what.find("shard 3") != std::string::npos);
  CHECK(advice->next.find("start a worker") == 0);
  CHECK(advice->next.find("retire shard-3") != std::string::npos);
}

TEST_CASE("a guarded ingress lets nothing in while it is refused, and all else") {
  Inner inner;
  std::error_code refused = postoffice::Error::fenced;
  GuardedIngress guarded(inner, [&] { return refused; });
  int accepted = 0;
  CHECK_FALSE(guarded.start([&](auto, auto done) {
    ++accepted;
    done({}, {});
  }));
  std::error_code told;
  const auto tell = [&](std::error_code error, const postoffice::Receipt&) { told = error; };
  inner.taken({}, tell);
  CHECK(told == postoffice::Error::fenced);
  CHECK(accepted == 0);
  refused = {};
  inner.taken({}, tell);
  CHECK_FALSE(told);
  CHECK(accepted == 1);
}
