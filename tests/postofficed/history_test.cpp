// The rings behind the live page's curves, and what a recorder puts into them.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "admin/history/history.hpp"
#include "admin/history/recorder.hpp"
#include "admin/pages.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_store.hpp"

using namespace postofficed;
using namespace std::chrono_literals;

namespace {

Sample sample_of(postoffice::Timestamp at, double figure, std::uint32_t bucket = 0) {
  Sample sample;
  sample.at = at;
  sample.figures[0] = figure;
  sample.histograms[0][0] = bucket;
  return sample;
}

double folded(Fold how, double sum, double next) {
  auto result = sample_of({}, sum);
  fold(result, sample_of({}, next), {how});
  return result.figures[0];
}

/// A daemon whose figures the test sets, and its /history.
struct Recorded {
  std::string history(const std::string& query = {}) {
    std::string text;
    Request request;
    request.method = "GET";
    request.path = "/history";
    request.query = query;
    pages(request, [&](const postoffice::HttpResponse& response) { text = response.body; });
    return text;
  }
  bool says(const std::string& text, const std::string& query = {}) {
    return history(query).find(text) != std::string::npos;
  }

  postoffice::testing::ManualClock clock;
  postoffice::testing::MemoryStore store;
  ShownOptions options{{{"ttl", "30s", "default"}}};
  postoffice::PipelineStatus status;
  Shown shown{.store = store,
              .clock = clock,
              .options = options,
              .status =
                  [this] {
                    status.now = status.watermark = clock.now();
                    return status;
                  },
              .not_ready = [] { return std::string(); }};
  Recorder recorder{shown, clock};
  postoffice::HttpServer::Handler pages = [this] {
    auto with_history = shown;
    with_history.recorder = &recorder;
    return make_pages(with_history);
  }();
};

}  // namespace

TEST_CASE("a ring keeps the newest samples, and numbers them for ever") {
  SampleRing ring(3);
  for (int i = 0; i < 5; ++i) ring.push(sample_of({}, i));
  CHECK(ring.begin() == 2);
  CHECK(ring.end() == 5);
  for (auto i = ring.begin(); i < ring.end(); ++i) {
    CHECK(ring[i].figures[0] == doctest::Approx(static_cast<double>(i)));
  }
}

TEST_CASE("samples fold: counts add up, the worst level stays, what is not known does not count") {
  const double unknown = std::nan("");
  CHECK(folded(Fold::sum, 2, 3) == 5);
  CHECK(folded(Fold::largest, 2, 3) == 3);
  CHECK(folded(Fold::largest, 3, 2) == 3);
  CHECK(folded(Fold::smallest, 2, 3) == 2);
  CHECK(folded(Fold::last, 3, 2) == 2);
  CHECK(folded(Fold::sum, 2, unknown) == 2);
  CHECK(folded(Fold::last, unknown, 3) == 3);
  auto many = sample_of({}, 0, 4'000'000'000);
  fold(many, sample_of({}, 0, 4'000'000'000), {});
  CHECK(many.histograms[0][0] == 4'294'967'295);  // does not wrap around
}

TEST_CASE("a day of seconds: ten minutes of them are kept, and every minute") {
  History history({Fold::sum});
  const postoffice::Timestamp midnight(1'800'000'000s);  // a whole minute
  for (int i = 0; i < 86'460; ++i) history.add(sample_of(midnight + i * 1s, 1, 2));
  const auto& seconds = history.seconds();
  const auto& minutes = history.minutes();
  CHECK(seconds.end() - seconds.begin() == 600);
  CHECK(seconds[seconds.end() - 1].at == midnight + 86'459s);
  CHECK(minutes.end() - minutes.begin() == 1'440);
  CHECK(minutes.end() == 1'440);  // the one under way is not among them
  for (auto i = minutes.begin(); i < minutes.end(); ++i) {
    CHECK(minutes[i].figures[0] == 60);
    CHECK(minutes[i].histograms[0][0] == 120);
  }
}

TEST_CASE_FIXTURE(Recorded, "counters become counts since the sample before, levels stay") {
  status.accepted_ids = 1'000;  // before anybody looked
  status.pending = 7;
  recorder.look();
  status.accepted_ids = 1'030;
  status.pending = 4;
  clock.advance(1s);
  recorder.look();
  CHECK(says("\"ids\":[0,30]"));
  CHECK(says("\"pending\":[7,4]"));
  CHECK(says("\"connections\":[null,null]"));  // there is no listener
  CHECK(says("\"ttl_seconds\":30"));
}

TEST_CASE_FIXTURE(Recorded, "buckets become counts since the sample before") {
  auto& row = status.receipt_to_row;
  row.bounds = {0.1, 1, 10};
  row.counts = {5, 0, 0, 0};
  recorder.look();
  row.counts = {5, 3, 0, 0};
  recorder.look();
  recorder.look();
  CHECK(says("\"receipt_to_row\":{\"bounds\":[0.1,1.0,10.0],\"counts\":[0,[0,3],0]}"));
  CHECK_FALSE(says("\"transaction\":{"));  // nobody has recorded any
}

TEST_CASE_FIXTURE(Recorded, "/history gives what is new to the reader") {
  recorder.start();  // and with each second
  clock.advance(10s);
  CHECK(says("\"first\":0,"));
  CHECK(says("\"first\":8,", "after=7"));
  CHECK(says("\"at\":[],", "after=10"));
  CHECK(says("\"first\":0,", "after=9999"));  // of an earlier process: everything is new
  CHECK(says("\"by\":\"minute\"", "by=minute"));
  CHECK(says("must be second or minute", "by=day"));
  CHECK(says("is no number", "after=-1"));
}

TEST_CASE_FIXTURE(Recorded, "/history tells what is wrong, in the words of /healthz") {
  CHECK(says("\"troubles\":[]"));
  status.source_open = true;
  CHECK(says("{\"part\":\"source\","));
}
