// The admin pages of a running daemon, with a source in this process and the embedded store.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "postofficed.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;

namespace {

bool has(const HttpAnswer& answer, const std::string& text) {
  return answer.body.find(text) != std::string::npos;
}

double metric(const std::string& text, const std::string& name) {
  const auto place = text.find("\n" + name + " ");
  REQUIRE_MESSAGE(place != std::string::npos, name);
  return std::atof(text.c_str() + place + name.size() + 2);
}

/// A daemon that has received five objects, and one that the source does not know.
struct Stored {
  Stored() {
    source.knows_up_to(1000);
    REQUIRE(daemon.ready());
    receipt = daemon.post("1,2,3,4,5,2000").header("Postoffice-Receipt");
    REQUIRE_FALSE(receipt.empty());
    REQUIRE(eventually([this] { return daemon.status("stored") == 5; }));
  }

  const TemporaryDirectory directory;
  Source source;
  Daemon daemon{directory.path(), {"--source", source.url()}};
  std::string receipt;
};

}  // namespace

TEST_CASE("load balancers may probe in every way that they have") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--public-health"});
  REQUIRE(daemon.ready());
  for (const std::string method : {"GET", "HEAD", "OPTIONS"}) {
    for (const std::string page : {"/readyz", "/livez", "/healthz"}) {
      CHECK(http_call(daemon.admin_port(), method, page).status == 200);
    }
    CHECK(http_call(daemon.port(), method, "/readyz").status == 200);
  }
  for (const std::string target : {"/", "*", "/metrics"}) {
    const auto answer = http_call(daemon.admin_port(), "OPTIONS", target);
    CHECK(answer.status == 204);
    CHECK(answer.header("Allow") == "GET, HEAD, OPTIONS");
  }
  CHECK(http_call(daemon.port(), "GET", "/livez").status == 404);
}

TEST_CASE_FIXTURE(Stored, "objects can be filtered and paged") {
  const auto online = daemon.page("/objects?online=true");
  CHECK(online.status == 200);
  CHECK(has(online, "{\"id\":2,\"online\":true,\"last_seen\":\"20"));
  CHECK_FALSE(has(online, "\"id\":1,"));
  CHECK(has(online, "\"next\":null"));
  const auto first = daemon.page("/objects?limit=2");
  CHECK(has(first, "\"next\":2"));
  const auto rest = daemon.page("/objects?limit=3&after=2");
  CHECK(has(rest, "{\"objects\":[{\"id\":3,"));
  CHECK(has(rest, "\"next\":null"));
}

TEST_CASE_FIXTURE(Stored, "one object has its own page") {
  CHECK(has(daemon.page("/objects/4"), "\"online\":true"));
  CHECK(daemon.page("/objects/99").status == 404);
  CHECK(daemon.page("/objects/x").status == 400);
  CHECK(daemon.page("/objects/").status == 404);
}

TEST_CASE_FIXTURE(Stored, "parameters that make no sense are 400 and say why") {
  for (const char* query : {"online=maybe", "after=x", "limit=0", "limit=1001", "limit=x",
                            "onlin=true", "online=true&online=false"}) {
    const auto answer = daemon.page(std::string("/objects?") + query);
    CHECK(answer.status == 400);
    CHECK(answer.header("Content-Type") == "application/problem+json");
  }
  CHECK(has(daemon.page("/objects?onlin=true"),
            "there is no parameter \\\"onlin\\\"; there are online, after, limit"));
}

TEST_CASE_FIXTURE(Stored, "a receipt is applied once all its ids have ended") {
  CHECK(eventually(
      [&] { return has(daemon.page("/receipts/" + receipt), "\"status\":\"applied\""); }));
  CHECK(daemon.page("/receipts/0123456789abcdef-1").status == 404);
  CHECK(daemon.page("/receipts/nonsense").status == 404);
}

TEST_CASE_FIXTURE(Stored, "every accepted id is accounted for in the metrics") {
  const auto text = daemon.page("/metrics").body;
  const auto outcome = [&](const char* name) {
    return metric(text, std::string("postoffice_ids_total{outcome=\"") + name + "\"}");
  };
  CHECK(metric(text, "postoffice_accepted_ids_total") == 6);
  CHECK(outcome("stored") == 5);
  CHECK(outcome("stored") + outcome("merged") + outcome("not_found") + outcome("expired") +
            outcome("dead") + metric(text, "postoffice_pending_ids") ==
        6);
}

TEST_CASE_FIXTURE(Stored, "health, version and status are there") {
  CHECK(daemon.page("/livez").status == 200);
  CHECK(daemon.page("/readyz").status == 200);
  CHECK(daemon.page("/healthz").status == 200);
  CHECK(has(daemon.page("/version"), "\"version\":\""));
  CHECK(has(daemon.page("/status"), "\"ttl\":\"30s\""));
  CHECK(has(daemon.page("/"), "/metrics  "));  // the live page: tests/page
}

// The page in the browser is at evil.example, whose name leads to this machine by now (DNS
// rebinding), or asks across origins.
TEST_CASE_FIXTURE(Stored, "pages of other sites get nothing and change nothing") {
  const auto ask = [&](const std::string& method, const std::string& target,
                       const std::string& fields) {
    return http_call(daemon.admin_port(), method, target, "{\"all\":true}", fields);
  };
  const auto token = content_of(directory / "admin-token");
  const std::string bearer = "Authorization: Bearer " + token.substr(0, token.find('\n')) + "\r\n";
  const auto here = "localhost:" + std::to_string(daemon.admin_port());
  for (const std::string target : {"/", "/objects", "/metrics", "/status", "/livez", "/nowhere"}) {
    CAPTURE(target);
    const auto rebound = ask("GET", target, "Host: evil.example\r\n" + bearer);
    CHECK(rebound.status == 421);
    CHECK_FALSE(has(rebound, "objects\":"));
    const auto crossing =
        ask("GET", target, "Host: " + here + "\r\nOrigin: http://evil.example\r\n" + bearer);
    CHECK(crossing.status == 403);
    CHECK(crossing.header("Access-Control-Allow-Origin").empty());
  }
  const std::string drop = "/dead-letters/drop";
  CHECK(ask("POST", drop, "Host: " + here + "\r\n").status == 401);
  CHECK(ask("POST", drop, "Host: " + here + "\r\nAuthorization: Bearer x\r\n").status == 401);
  CHECK(
      ask("POST", drop, "Host: " + here + "\r\nOrigin: http://" + here + "\r\n" + bearer).status ==
      200);
  CHECK(ask("GET", drop, "Host: " + here + "\r\n" + bearer).status == 405);
}

TEST_CASE("a token file closes everything but probes and the page, and is read again") {
  const TemporaryDirectory directory;
  const auto file = directory / "token";
  std::ofstream(file) << "first-token-of-this-test\n";
  Daemon daemon(directory / "data", {"--admin-token-file", file, "--source",
                                     "http://127.0.0.1:1/{id}?key=s3cret-of-the-source"});
  REQUIRE(daemon.ready());
  const auto status = [&](const std::string& target, const std::string& token) {
    const auto fields = "Host: localhost\r\nAuthorization: Bearer " + token + "\r\n";
    return http_call(daemon.admin_port(), "GET", target, {}, fields).status;
  };
  for (const std::string open : {"/", "/livez", "/readyz"}) CHECK(daemon.page(open).status == 200);
  for (const std::string closed :
       {"/metrics", "/healthz", "/objects", "/dead-letters", "/nowhere"}) {
    CAPTURE(closed);
    CHECK(daemon.page(closed).status == 401);
    CHECK(status(closed, "first-token-of-this-test") == (closed == "/nowhere" ? 404 : 200));
  }
  CHECK_FALSE(std::filesystem::exists(directory / "data/admin-token"));
  const auto shown = http_call(daemon.admin_port(), "GET", "/status", {},
                               "Host: localhost\r\nAuthorization: Bearer "
                               "first-token-of-this-test\r\n");
  CHECK(has(shown, "key=***"));
  CHECK_FALSE(has(shown, "s3cret"));
  CHECK_FALSE(daemon.said("s3cret"));

  std::ofstream(file) << "short";
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return daemon.said("; nothing was changed"); }));
  CHECK(status("/metrics", "first-token-of-this-test") == 200);
  std::ofstream(file) << "second-token-of-this-test";
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return status("/metrics", "second-token-of-this-test") == 200; }));
  CHECK(status("/metrics", "first-token-of-this-test") == 401);
}

TEST_CASE("an admin listener that others reach needs a token, or must be said to be open") {
  const TemporaryDirectory directory;
  const auto started = [&](Arguments more) {
    more.insert(more.begin(), {"--data-dir", directory / "data", "--listen", "localhost:0",
                               "--admin-listen", "0.0.0.0:0"});
    return run_postofficed(more);
  };
  const auto refused = started({});
  CHECK(refused.code == 78);
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') <=
        2);  // "postofficed 0.1.0" is one
  CHECK(refused.err.find("--admin-token-file") != std::string::npos);
  CHECK(
      run_postofficed({"validate", "--data-dir", directory / "data", "--admin-listen", "0.0.0.0:0"})
          .code == 78);
  std::ofstream(directory / "short") << "too-short";
  CHECK(started({"--admin-token-file", directory / "short"}).code == 78);
  CHECK_FALSE(std::filesystem::exists(directory / "data"));  // refused before anything was made

  Daemon open(directory / "data",
              {"--listen", "localhost:0", "--admin-listen", "0.0.0.0:0", "--admin-open"}, {},
              false);
  REQUIRE(open.ready());
  const auto address = content_of(directory / "data/admin-address");
  REQUIRE(address.starts_with("127.0.0.1:"));
  const auto port = static_cast<std::uint16_t>(std::atoi(address.c_str() + 10));
  CHECK(http_call(port, "GET", "/objects", {}, "Host: any.example\r\n").status == 200);
  CHECK(http_call(port, "POST", "/dead-letters/drop", "{\"all\":true}").status == 401);
  open.process().signal(SIGTERM);
  REQUIRE(open.process().exit_code() == 0);
  CHECK_FALSE(std::filesystem::exists(directory / "data/admin-address"));
  CHECK_FALSE(std::filesystem::exists(directory / "data/admin-token"));
}

TEST_CASE_FIXTURE(Stored, "other paths are 404, other methods 405") {
  CHECK(daemon.page("/nowhere").status == 404);
  CHECK(daemon.page("/objects/1/2").status == 400);
  const auto posted = http_call(daemon.admin_port(), "POST", "/objects");
  CHECK(posted.status == 405);
  CHECK(posted.header("Allow") == "GET, HEAD, OPTIONS");
}
