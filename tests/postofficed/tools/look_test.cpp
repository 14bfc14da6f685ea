// How `top` finds a daemon, and what it says when there is none.
#include "commands/top/look.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "commands/top/target.hpp"
#include "http/server/http_server.hpp"
#include "support/has.hpp"
#include "support/temporary_directory.hpp"

using namespace postofficed;
using namespace postofficed::top;
using postoffice::testing::has;
using postoffice::testing::TemporaryDirectory;

namespace {

/// What `top` says of a server that answers every page so.
std::string words_about(int status, const std::string& body) {
  postoffice::EventLoop loop;
  postoffice::HttpServer server(loop, {.listen = "127.0.0.1:0"},
                                [&](const auto&, const auto& respond) {
                                  respond({status, "application/json", body, {}});
                                });
  loop.start();
  REQUIRE_FALSE(server.start());
  const auto seen = look_at({"127.0.0.1:" + std::to_string(server.port()), "a token"});
  server.stop();
  return seen ? "seen " + seen->version : seen.error().message;
}

ParsedOptions parsed(const std::string& directory, const std::string& origin) {
  ParsedOptions made;
  made.options.data_dir = directory;
  made.options.admin_listen = "0.0.0.0:9091";
  made.shown.push_back({"admin-listen", made.options.admin_listen, origin});
  return made;
}

}  // namespace

TEST_CASE("an answer that is no daemon's says what to do") {
  CHECK(words_about(200, R"({"version":"0.2.0"})") == "seen 0.2.0");
  CHECK(words_about(503, R"({"version":"0.2.0"})") == "seen 0.2.0");  // not well is an answer, too
  CHECK(has(words_about(401, "{}"), "wants its admin token: give --admin-token-file FILE"));
  CHECK(has(words_about(404, "{}"), "is that the admin listener of postofficed?"));
  CHECK(has(words_about(200, "<html>"), "is not JSON"));
  CHECK(has(words_about(200, "{}"), "is not a postofficed's /status"));
}

TEST_CASE("the daemon of a data directory is found by what it wrote there") {
  const TemporaryDirectory directory;
  CHECK(find_target(parsed(directory.path(), "default")).address == "localhost:9091");
  std::ofstream(directory / "admin-address") << "127.0.0.1:4711\n";
  std::ofstream(directory / "admin-token") << "secret\n";
  const auto found = find_target(parsed(directory.path(), "default"));
  CHECK(found.address == "127.0.0.1:4711");
  CHECK(found.token == "secret");
  auto given = parsed(directory.path(), "--admin-listen");
  CHECK(find_target(given).address == "localhost:9091");
  std::ofstream(directory / "token") << "another\n";
  given.shown.push_back({"admin-token-file", directory / "token", "--admin-token-file"});
  CHECK(find_target(given).token == "another");
}
