// The admin pages of a running daemon, with a source in this process and the embedded store.
#include <doctest/doctest.h>

#include <cstdlib>

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
  for (const char* query : {"online=maybe", "after=x", "limit=0", "limit=1001", "limit=x"}) {
    const auto answer = daemon.page(std::string("/objects?") + query);
    CHECK(answer.status == 400);
    CHECK(answer.header("Content-Type") == "application/problem+json");
  }
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
  CHECK(has(daemon.page("/"), "<title>Postoffice</title>"));
}

TEST_CASE_FIXTURE(Stored, "other paths are 404, other methods 405") {
  CHECK(daemon.page("/nowhere").status == 404);
  CHECK(daemon.page("/objects/1/2").status == 400);
  const auto posted = http_call(daemon.admin_port(), "POST", "/objects");
  CHECK(posted.status == 405);
  CHECK(posted.header("Allow") == "GET, HEAD, OPTIONS");
}
