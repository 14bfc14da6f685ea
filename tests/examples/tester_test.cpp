// The tester, as a program: what the end-to-end tests rely on when they use it as their oracle.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/client/fetch_helpers.hpp"
#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/error.hpp"
#include "support/has.hpp"
#include "support/process.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

/// A running tester, with its output.
class Tester {
 public:
  explicit Tester(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), TESTER);
    process_.emplace(std::move(arguments));
  }

  /// The port its source listens on.
  std::string port() {
    const std::string marker = "port ";
    REQUIRE(eventually([&] { return process_->out().find(marker) != std::string::npos; }));
    const auto out = process_->out();
    return std::to_string(std::atoi(out.c_str() + out.find(marker) + marker.size()));
  }

  void stop() { process_->signal(SIGTERM); }
  int wait() { return process_->exit_code(); }
  std::string output() const { return process_->out() + process_->err(); }

 private:
  std::optional<Process> process_;
};

struct Source {
  explicit Source(const std::string& port) {
    HttpObjectSourceOptions options;
    options.url = "http://127.0.0.1:" + port + "/objects/{id}";
    loop.start();
    source = std::make_unique<HttpObjectSource>(loop, options);
  }
  FetchResult fetch(ObjectId id, std::chrono::milliseconds timeout = 10s) {
    return fetch_now(*source, id, timeout);
  }
  EventLoop loop;
  std::unique_ptr<HttpObjectSource> source;
};

}  // namespace

TEST_CASE("the tester is a source that knows every object and takes its time") {
  const TemporaryDirectory directory;
  const auto record = directory / "record.json";
  Tester tester({"--no-sender", "--listen", "127.0.0.1:0", "--latency-min", "100ms",
                 "--latency-spread", "50ms", "--record", record});
  Source source(tester.port());
  const auto begin = std::chrono::steady_clock::now();
  const auto even = source.fetch(42);
  CHECK(std::chrono::steady_clock::now() - begin >= 100ms);
  CHECK_FALSE(even.error);
  CHECK(even.online);
  CHECK_FALSE(source.fetch(-7).online);
  tester.stop();
  CHECK(tester.wait() == 0);
  CHECK(has(tester.output(), "fetches answered 2 of 2"));
  CHECK(has(content_of(record), "{\"fetch\":42,\"at\":"));
  CHECK(has(content_of(record), ",\"status\":200}\n"));
}

TEST_CASE("the tester's source fails, hangs and misses objects as it is told") {
  const auto result_with = [](const char* option, std::chrono::milliseconds timeout = 20s) {
    Tester tester({"--no-sender", "--listen", "127.0.0.1:0", "--latency-min", "0",
                   "--latency-spread", "0", option, "100"});
    return Source(tester.port()).fetch(1, timeout).error;
  };
  CHECK(result_with("--fail-percent") == Error::refused);
  CHECK(result_with("--hang-percent", 300ms) == Error::timed_out);
  CHECK(result_with("--not-found-percent") == Error::not_found);
}

TEST_CASE("the tester's source refuses what is beyond its capacity") {
  Tester tester({"--no-sender", "--listen", "127.0.0.1:0", "--latency-min", "200ms",
                 "--latency-spread", "0", "--capacity", "3"});
  Source source(tester.port());
  Collector collector;
  for (ObjectId id = 0; id < 10; ++id) source.source->fetch(id, 10s, collector.done_for(id));
  REQUIRE(collector.wait_for(10));
  int refused = 0;
  for (const auto& [id, results] : collector.results()) {
    if (!results.front().error) continue;
    CHECK(results.front().error == Error::overloaded);
    CHECK(results.front().reason == "HTTP 503");
    ++refused;
  }
  CHECK(refused == 7);
}

TEST_CASE("the tester sends each callback once, whatever becomes of it, and records which") {
  // The first is accepted, the second refused, the third never answered, the fourth accepted.
  std::atomic<int> requests{0};
  ScriptedServer server([&](Peer& peer) {
    while (!peer.request().empty()) {
      const int number = ++requests;
      if (number == 3) return peer.wait_for_close();
      peer.send(number == 2 ? Peer::with_status("503 Service Unavailable", "")
                            : Peer::with_status("202 Accepted", "", "Postoffice-Receipt: a-1\r\n"));
    }
  });
  const TemporaryDirectory directory;
  const auto record = directory / "record.json";
  Tester tester({"--no-source", "--target",
                 "http://127.0.0.1:" + std::to_string(server.port()) + "/callback", "--ids-max",
                 "0", "--interval", "500ms", "--timeout", "400ms", "--count", "4", "--record",
                 record, "--fail-on-refused"});
  CHECK(tester.wait() == 1);
  CHECK(requests == 4);
  CHECK(has(tester.output(), "sent 4, accepted 2, refused 1, no connection 0, timed out 1"));
  const std::string text = content_of(record);
  CHECK(has(text, "\"receipt\":\"a-1\",\"ids\":[]}\n"));
  CHECK(has(text, "\"status\":503,\"lost_ids\":[]}\n"));
  CHECK(has(text, "\"status\":0,\"lost_ids\":[]}\n"));
}

TEST_CASE("a receiver that never answers does not stop the tester's beat") {
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  Tester tester({"--no-source", "--target",
                 "http://127.0.0.1:" + std::to_string(server.port()) + "/callback", "--rate", "50",
                 "--connections", "5", "--count", "50", "--timeout", "500ms"});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(tester.wait() == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 10s);
  CHECK(has(tester.output(), "sent 50, accepted 0, refused 0, no connection 0, timed out 50"));
}

TEST_CASE("a command line that makes no sense is exit code 64, an address in use 69") {
  CHECK(Tester({"--no-such-option"}).wait() == 64);
  CHECK(Tester({"--no-source", "--target", "ftp://x"}).wait() == 64);
  CHECK(Tester({"--interval", "-1s"}).wait() == 64);
  ScriptedServer server([](Peer&) {});
  CHECK(Tester({"--no-sender", "--listen", "127.0.0.1:" + std::to_string(server.port())}).wait() ==
        69);
}
