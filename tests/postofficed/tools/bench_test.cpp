// The words of `bench`, and what it measures with; the measurement itself is cli_bench_test.
#include <doctest/doctest.h>

#include "commands/bench/report.hpp"
#include "commands/bench/verdict.hpp"
#include "http/server/http_server.hpp"
#include "load/client.hpp"
#include "load/latencies.hpp"
#include "load/requests.hpp"
#include "support/has.hpp"

using namespace postofficed;
using namespace postofficed::bench;
using namespace std::chrono_literals;
using postoffice::testing::has;

namespace {

Usage usage(double daemon, double client, double machine, double thread_share = 0) {
  Usage made;
  made.daemon = daemon;
  made.client = client;
  made.machine = machine;
  made.thread = "ingress/4711";
  made.thread_share = thread_share;
  return made;
}

Phase phase(std::size_t connections, double per_second, const Usage& used) {
  Phase made;
  made.connections = connections;
  made.per_second = per_second;
  made.times.p50 = 0.005;
  made.times.p99 = 0.021;
  made.usage = used;
  return made;
}

Figures figures() {
  Figures made;
  made.processors = 2;
  made.file_system = "ext4";
  made.flush.p50 = 0.0005;
  made.flush.p99 = 0.002;
  made.phases = {phase(1, 1'000, usage(0.2, 0.1, 0.4)), phase(256, 18'400, usage(1.2, 0.5, 1.95))};
  made.job.ids_per_second = 21'000;
  made.job.one_callback.count = 10;
  made.job.one_callback.p50 = 0.004;
  made.memory_peak_bytes = 30 << 20;
  return made;
}

std::string all(const std::vector<std::string>& sentences) {
  std::string text;
  for (const auto& sentence : sentences) text += sentence + "\n";
  return text;
}

/// A server that answers every callback with `status`, and a load for it.
struct Answering {
  explicit Answering(int status)
      : server(loop, {.listen = "127.0.0.1:0"}, [status](const auto&, const auto& respond) {
          respond({status, "text/plain", "words\n", {}});
        }) {
    loop.start();
    REQUIRE_FALSE(server.start());
  }
  ~Answering() { server.stop(); }

  /// Until so many were answered.
  load::LoadResult answer(std::size_t connections, std::size_t requests) {
    const auto request = load::make_request({1, 2});
    std::size_t sent = 0;
    load::Load load;
    load.port = server.port();
    load.connections = connections;
    load.duration = 20s;
    load.next = [&]() -> std::string_view {
      return sent++ < requests ? std::string_view(request) : std::string_view();
    };
    load.go_on = [&](double) { return sent <= requests || ++rounds < 40; };
    auto result = run_load(load);
    REQUIRE(result);
    return *std::move(result);
  }

  int rounds = 0;
  postoffice::EventLoop loop;
  postoffice::HttpServer server;
};

}  // namespace

TEST_CASE("latencies are kept to a 64th, and quantiles of them are never too small") {
  load::Latencies latencies;
  CHECK(latencies.quantile(0.5) == 0);
  for (int n = 1; n <= 1'000; ++n) latencies.add(std::chrono::microseconds(n));
  CHECK(latencies.count() == 1'000);
  for (const double share : {0.01, 0.5, 0.99, 0.999, 1.0}) {
    CAPTURE(share);
    CHECK(latencies.quantile(share) >= share * 1e-3);
    CHECK(latencies.quantile(share) <= share * 1e-3 * 66 / 64 + 1e-6);
  }
  load::Latencies extremes;
  extremes.add(-1ns);
  extremes.add(1'000h);
  CHECK(extremes.quantile(0.5) == 1e-6);
  CHECK(extremes.most() > 3'600);
}

TEST_CASE("requests are what a sender writes; fresh ones never repeat an id") {
  CHECK(load::make_request({1, -2}) ==
        "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 21\r\n\r\n{\"object_ids\":[1,-2]}");
  load::FreshRequests fresh(2, 10);
  CHECK(has(std::string(fresh.next()), "[10,11]"));
  CHECK(has(std::string(fresh.next()), "[12,13]"));
  CHECK(fresh.ids_made() == 4);
  load::RepeatedRequests repeated(2, 3, 300);
  const std::string first(repeated.next());
  const std::string second(repeated.next());
  CHECK(first != second);
  CHECK(repeated.next() == first);
}

TEST_CASE("a load counts what was accepted and what was refused") {
  Answering good(202);
  const auto accepted = good.answer(4, 100);
  CHECK(accepted.accepted == 100);
  CHECK(accepted.refused == 0);
  CHECK(accepted.failed == 0);
  CHECK(accepted.latencies.count() == 100);
  CHECK(accepted.processor_seconds > 0);
  Answering bad(503);
  const auto refused = bad.answer(1, 10);
  CHECK(refused.accepted == 0);
  CHECK(refused.refused == 10);
  load::Load nowhere;
  nowhere.port = 1;
  CHECK_FALSE(run_load(nowhere));
}

TEST_CASE("what limits a phase is found from who used the processors") {
  CHECK(find_limit(phase(1, 1, usage(0.3, 0.1, 0.5)), 2) == Limit::disk);
  CHECK(find_limit(phase(1, 1, usage(1.1, 0.5, 1.4, 0.97)), 4) == Limit::thread);
  CHECK(find_limit(phase(1, 1, usage(1.3, 0.6, 1.95)), 2) == Limit::processors);
  CHECK(find_limit(phase(1, 1, usage(0.5, 0.2, 2.0)), 2) == Limit::others);
  CHECK(find_limit(phase(1, 1, usage(0.9, 0.99, 2.0)), 2) == Limit::client);
}

TEST_CASE("the verdict promises in words, and says what limits it") {
  const auto verdict = judge(figures());
  const auto text = all(verdict.promises);
  CAPTURE(text);
  CHECK(has(text,
            "this disk promises 18,400 durable callbacks a second, p50 5.00 ms, p99 21.0 ms, "
            "to 256 senders at once (1,840,000 ids a second)"));
  CHECK(has(text, "with one sender at a time: 1,000 durable callbacks a second"));
  CHECK(has(text, "from callback to row: 21,000 ids a second"));
  CHECK(has(text, "what limits it with 256 senders at once: the processors: all 2 were busy"));
  CHECK(has(text, "the daemon took 1.20, this load 0.50"));
  CHECK(verdict.warnings.empty());
}

TEST_CASE("the verdict warns of what makes it worthless") {
  auto bad = figures();
  bad.file_system = "tmpfs";
  bad.objection = "this is memory";
  bad.flush.p50 = 0.000'001;
  bad.load_before = 3;
  bad.phases.back().refused = 2;
  bad.phases.back().usage = usage(0.9, 0.99, 1.95);
  const auto verdict = judge(bad);
  CHECK(verdict.warnings.size() == 4);
  const auto text = all(verdict.warnings);
  for (const char* words : {"tmpfs: this is memory", "implausibly fast",
                            "load 3.00 on 2 processors", "2 callbacks got no 202"}) {
    CAPTURE(text);
    CHECK(has(text, words));
  }
  CHECK(has(all(verdict.promises), "this program's own sender"));
}

TEST_CASE("a certificate can be compared with what is measured later") {
  const auto then = JsonValue::parse(to_json(figures(), judge(figures()), {}, "/tmp"));
  REQUIRE(then);
  CHECK((*then)["certificate"].text() == certificate_name);
  auto now = figures();
  now.phases.back().per_second *= 2;
  now.flush.p50 *= 2;
  now.phases.front().connections = 7;  // the certificate has none of those
  const auto comparisons = compare(now, *then);
  CHECK(comparisons.size() == 7);
  const auto text = to_text(now, judge(now), comparisons);
  CAPTURE(text);
  CHECK(has(text, "callbacks/s, 256 senders              36,800      18,400    2.00 x  better"));
  CHECK(has(text, "flush p50                            1.00 ms     0.50 ms    2.00 x  worse"));
  CHECK(has(text, "30.0 MiB    30.0 MiB    1.00 x  about the same"));
  CHECK(compare(now, JsonValue()).empty());
}
