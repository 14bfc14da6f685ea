// The front door, over loopback: what comes in is found in the table, and an office may end at any
// moment.
#include "postoffice/office.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "http/server/http_server.hpp"
#include "postoffice/error.hpp"
#include "support/http_client.hpp"
#include "support/store_calls.hpp"
#include "support/temporary_directory.hpp"
#if WITH_SQLITE
#include "postoffice/defaults/sqlite_object_store.hpp"
#endif

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

template <typename Condition>
bool eventually(Condition condition) {
  for (const auto end = std::chrono::steady_clock::now() + 30s; !condition();) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

/// A source that knows every object; those with even ids are online.
struct Scene {
  Scene() {
    loop.start();
    if (server.start()) throw std::runtime_error("no port for the source");
    options.listen = "localhost:0";
    options.data_dir = directory.path() + "/data";
    options.source = "http://localhost:" + std::to_string(server.port()) + "/{id}";
  }

  static void answer(const HttpRequest& request, const HttpServer::Respond& respond) {
    const auto id = request.path.substr(1);
    const bool online = std::stoll(id) % 2 == 0;
    HttpResponse response;
    response.body = R"({"id":)" + id + R"(,"online":)" + (online ? "true}" : "false}");
    respond(std::move(response));
  }

  static int post(const Office& office, const std::string& body) {
    test::HttpClient client(office.status().port);
    return client
        .exchange("POST /callback HTTP/1.1\r\nHost: here\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body)
        .status;
  }

  TemporaryDirectory directory;
  EventLoop loop;
  HttpServer server{loop, {.listen = "localhost:0"}, answer};
  OfficeOptions options;
};

}  // namespace

#if WITH_SQLITE
TEST_CASE_FIXTURE(Scene,
                  "callbacks become rows, and what is in the queue outlives an office (S1)") {
  {
    Office office(options);
    REQUIRE(office.start().message == "");
    CHECK(post(office, R"({"object_ids":[1,2,3]})") == 202);
    CHECK(eventually([&] { return office.status().pipeline.stored == 3; }));
    CHECK(office.status().store.up);
    office.stop_and_wait();
    CHECK(office.status().pipeline.queue.acknowledged == 1);
    office.stop_and_wait();  // once more
    CHECK(office.start().code == Error::stopped);
  }
  {
    server.stop();  // the source is away
    Office office(options);
    REQUIRE(office.start().message == "");
    CHECK(post(office, R"({"object_ids":[4]})") == 202);
  }  // as in a crash
  HttpServer again(loop, {.listen = options.source.substr(7, options.source.rfind('/') - 7)},
                   answer);
  REQUIRE_FALSE(again.start());
  Office office(options);
  REQUIRE(office.start().message == "");
  CHECK(eventually([&] { return office.status().pipeline.stored == 1; }));
  office.stop_and_wait();
  SqliteObjectStore store({options.data_dir + "/objects.db"});
  const auto objects = find(store);
  REQUIRE(objects.size() == 4);
  CHECK(objects[0].id == 1);
  CHECK_FALSE(objects[0].online);
  CHECK(objects[3].online);
}

TEST_CASE_FIXTURE(Scene, "what is wrong is said in words, and may be put right") {
  Office first(options);
  REQUIRE(first.start().message == "");
  const auto failure = [&](auto change) {
    auto wrong = options;
    wrong.data_dir = directory.path() + "/other";
    change(wrong);
    Office office(wrong);
    auto error = office.start();
    CHECK(error);
    CHECK_FALSE(office.status().running);
    return error;
  };
  const auto address = "localhost:" + std::to_string(first.status().port);
  const auto taken = failure([&](auto& wrong) { wrong.listen = address; });
  CHECK(taken.code == std::errc::address_in_use);
  CHECK(taken.message == "listening on " + address + ": Address already in use");
  const auto locked = failure([&](auto& wrong) { wrong.data_dir = options.data_dir; });
  CHECK(locked.code == Error::locked);
  CHECK(locked.message.starts_with("queue " + options.data_dir + "/queue: "));
  std::ofstream(directory.path() + "/file") << "no directory";
  const auto file = failure([&](auto& wrong) { wrong.data_dir = directory.path() + "/file/data"; });
  CHECK(file.message.starts_with("data directory "));
  CHECK(failure([](auto& wrong) { wrong.source = "ftp://x/{id}"; }).code == Error::bad_options);
  CHECK(failure([](auto& wrong) { wrong.listen = "nowhere"; }).message ==
        "not host:port: \"nowhere\"");
  CHECK(failure([](auto& wrong) { wrong.ttl = 0ms; }).message ==
        "pipeline options: ttl must be positive");
  CHECK(failure([](auto& wrong) { wrong.store = "no conninfo"; }).code == Error::bad_options);

  options.listen = address;
  options.data_dir = directory.path() + "/other";
  Office second(options);
  CHECK(second.start());
  first.stop_and_wait();
  CHECK(eventually([&] { return !second.start(); }));
}
#else
TEST_CASE_FIXTURE(Scene, "a store that is not built in is said to be so") {
  Office office(options);
  const auto error = office.start();
  CHECK(error.code == Error::bad_options);
  CHECK(error.message.ends_with("SQLite is not built in; use PostgreSQL"));
}
#endif

TEST_CASE_FIXTURE(Scene, "an office may be destroyed at any moment") {
  options.store = "postgresql://nobody@127.0.0.1:1/nothing";  // down
  { const Office never_started(options); }
  {
    Office stopped_first(options);
    bool done = false;
    stopped_first.stop([&] { done = true; });
    CHECK(done);
    CHECK(stopped_first.start().code == Error::stopped);
  }
  {
    Office running(options);
    REQUIRE(running.start().message == "");
    CHECK(post(running, R"({"object_ids":[1,2]})") == 202);
    CHECK(eventually([&] { return !running.status().store.up; }));
    CHECK(running.status().store.reason != "");
  }
  {
    Office stopping(options);
    REQUIRE(stopping.start().message == "");
    stopping.stop([] {});
  }
  Office stopped(options);
  REQUIRE(stopped.start().message == "");
  std::thread other([&] { stopped.stop_and_wait(); });
  stopped.stop_and_wait();
  other.join();
}
