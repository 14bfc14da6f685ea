// /instances: what is said about the daemons that share a database.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "admin/pages.hpp"
#include "postoffice/error.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

struct Pages {
  postoffice::HttpResponse get() {
    postoffice::HttpResponse answer;
    Request request;
    request.method = "GET";
    request.path = "/instances";
    make_pages(shown)(request, [&](postoffice::HttpResponse said) { answer = std::move(said); });
    return answer;
  }
  bool says(const std::string& text) { return get().body.find(text) != std::string::npos; }

  postoffice::testing::ManualClock clock;
  postoffice::testing::MemoryStore store;
  ShownOptions options{{}};
  Shown shown{.store = store,
              .clock = clock,
              .options = options,
              .status = [] { return postoffice::PipelineStatus(); },
              .not_ready = [] { return std::string(); }};
};

postoffice::PostgresInstanceRow row_of(int shard, postoffice::Timestamp beat) {
  postoffice::PostgresInstanceRow row;
  row.shard = shard;
  row.name = "host:9092#7";
  row.beat = beat;
  return row;
}

}  // namespace

TEST_CASE("a database of one daemon has no list") { CHECK(Pages().get().status == 404); }

TEST_CASE("each daemon has its kind, its state, and how far it is behind") {
  Pages pages;
  pages.shown.instances = [](const auto& done) {
    postoffice::PostgresInstanceList list;
    list.now = postoffice::Timestamp(1'000s);
    list.rows = {row_of(3, list.now - 1s), row_of(-1, list.now - 9s), row_of(0, list.now - 90s)};
    list.rows[0].watermark = list.now - 2s;
    list.rows[2].stopped = list.now - 90s;
    list.rows[2].publisher = 7;
    done({}, list);
  };
  CHECK(
      pages.says("\"kind\":\"shard\",\"shard\":3,\"state\":\"alive\",\"beat_age_seconds\":1.0,"
                 "\"watermark_lag_seconds\":2.0"));
  CHECK(pages.says("\"kind\":\"daemon\",\"shard\":null,\"state\":\"silent\""));
  CHECK(pages.says("\"kind\":\"publisher\",\"shard\":0,\"state\":\"stopped\""));
  CHECK(pages.says("\"watermark_lag_seconds\":null"));
}

TEST_CASE("a database that does not answer is 503") {
  Pages pages;
  pages.shown.instances = [](const auto& done) { done(postoffice::Error::timed_out, {}); };
  CHECK(pages.get().status == 503);
  CHECK(pages.says("the database does not answer"));
}
