// Pages whose figures are old say so.
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <vector>

#include "admin/pages.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

struct Pages {
  Pages() {
    status.now = clock.now();
    status.watermark = status.now - 100ms;
  }

  postoffice::HttpResponse get(const std::string& path) {
    postoffice::HttpResponse answer;
    Request request;
    request.method = "GET";
    request.path = path;
    pages(request, [&](postoffice::HttpResponse response) { answer = std::move(response); });
    return answer;
  }
  bool says(const std::string& path, const std::string& text) {
    return get(path).body.find(text) != std::string::npos;
  }

  postoffice::testing::ManualClock clock;
  postoffice::testing::MemoryStore store;
  ShownOptions options{{}};
  postoffice::PipelineStatus status;
  postoffice::Log log;
  postoffice::HttpServer::Handler pages = make_pages({.store = store,
                                                      .clock = clock,
                                                      .options = options,
                                                      .status = [this] { return status; },
                                                      .not_ready = [] { return std::string(); }});
};

}  // namespace

TEST_CASE("a pipeline that does not move is trouble after three seconds, on every page") {
  Pages pages;
  pages.clock.advance(1s);
  CHECK(pages.get("/healthz").status == 200);
  CHECK(pages.says("/metrics", "\npostoffice_snapshot_age_seconds 1\n"));
  pages.clock.advance(6s);
  CHECK(pages.get("/healthz").status == 503);
  CHECK(pages.says("/healthz", "the pipeline has not moved for 7 s"));
  CHECK(pages.says("/healthz", "\"watermark_lag_seconds\":7.1"));
  CHECK(pages.says("/status", "\"age_seconds\":7"));
  CHECK(pages.says("/metrics", "\npostoffice_snapshot_age_seconds 7\n"));
  CHECK(pages.get("/readyz").status == 200);  // callbacks are made durable all the same
  pages.status.now = pages.clock.now();
  CHECK(pages.get("/healthz").status == 200);
}
