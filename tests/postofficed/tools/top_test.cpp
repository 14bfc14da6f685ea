// The figures and the screen of `top`, without a daemon and without a terminal.
#include <doctest/doctest.h>

#include <algorithm>

#include "commands/top/figures.hpp"
#include "commands/top/figures_json.hpp"
#include "commands/top/heat.hpp"
#include "commands/top/screen.hpp"
#include "commands/top/text.hpp"
#include "support/figures.hpp"
#include "support/has.hpp"

using namespace postofficed;
using namespace postofficed::top;
using postoffice::testing::has;

namespace {

Sample sample(const std::string& status, const std::string& health = "{}") {
  const auto first = JsonValue::parse(status);
  const auto second = JsonValue::parse(health);
  REQUIRE(first);
  REQUIRE(second);
  return read_sample(*first, *second);
}

Sample counted(double uptime, int callbacks) {
  return sample("{\"uptime_seconds\":" + std::to_string(uptime) +
                ",\"ingress\":{\"accepted\":" + std::to_string(callbacks) + "}}");
}

constexpr char full_status[] = R"({"version":"0.2.0","uptime_seconds":7200,
  "ingress":{"accepted":1000,"refused":3,"malformed":1,"connections":12},
  "accepted_ids":100000,"fetches":5000,"fetch_failures":10,"fetches_in_flight":1024,
  "fetch_limit":1024,"pending":123456,"stored":4000,"deleted":7,"watermark_lag_seconds":0.5,
  "queue":{"bytes":67108864},"queue_limit_bytes":10737418240,"disk_free_bytes":128849018880,
  "rows":{"online":1200,"offline":34},"dead_letters":2,
  "oldest_waiting_seconds":{"fetch":1.5,"backoff":0,"store":0.012,"touch":0.003},
  "histograms":{"journal_flush_duration_seconds":{"bounds":[0.001,0.01],"counts":[90,10,0]},
    "fetch_duration_seconds":{"answered":{"bounds":[1,5,10],"counts":[10,80,10,0]},
                              "timeout":{"bounds":[1,5,10],"counts":[0,0,0,5]},
                              "unreachable":{"bounds":[1,5,10],"counts":[999,0,0,0]}}}})";

constexpr char full_health[] = R"({"status":"degraded","parts":[
  {"part":"ingress","state":"well","for_seconds":7200},
  {"part":"queue","state":"well","for_seconds":7200},
  {"part":"source","state":"down","for_seconds":12.3,"last_error":"connect: Connection refused",
   "means":"nothing is fetched; what is received waits in the queue",
   "next":"start the source, or look whether --source names the right host and port"},
  {"part":"store","state":"well","for_seconds":7200},
  {"part":"expiry","state":"idle","for_seconds":3}]})";

std::string screen(const Model& model, Area area) {
  std::string text;
  for (const auto& line : draw(model, area)) text += plain_text(line) + "\n";
  return text;
}

Model full_model() {
  auto before = sample(full_status, full_health);
  auto now = before;
  now.uptime = 7'202;
  now.counters.callbacks = 3'468;
  now.counters.ids = 346'800;
  now.histograms.source->counts = {110, 80, 20, 6};
  Model model;
  model.address = "localhost:9091";
  model.figures = compare(&before, now, 2);
  model.source.push_back(*model.figures->source_between);
  return model;
}

}  // namespace

TEST_CASE("rates are what was counted between two looks, by the daemon's own clock") {
  const auto before = counted(100, 1'000);
  const auto figures = compare(&before, counted(102, 1'500), 2.3);
  CHECK(figures.seconds == 2);
  CHECK(figures.rates.callbacks == 250);
  CHECK_FALSE(figures.rates.ids);
}

TEST_CASE("the first look, and a restart between two, give no rates") {
  const auto before = counted(100, 1'000);
  CHECK_FALSE(compare(nullptr, before, 0).rates.callbacks);
  CHECK_FALSE(compare(&before, counted(1, 2'000), 2).rates.callbacks);     // younger than it was
  CHECK_FALSE(compare(&before, counted(101, 2'000), 60).rates.callbacks);  // not old enough
  CHECK_FALSE(compare(&before, counted(102, 900), 2).rates.callbacks);     // fewer than before
  CHECK(compare(&before, counted(160, 1'060), 60).rates.callbacks == 1);
}

TEST_CASE("a publisher's callbacks are those that the broker confirmed") {
  const auto serve = sample(
      R"({"accepted_ids":0,"broker":{"publisher":{"accepted_callbacks":7,"accepted_ids":70}}})");
  CHECK(serve.counters.callbacks == 7);
  CHECK(serve.counters.ids == 70);
}

TEST_CASE("latencies are those between two looks, and the source's without what never reached it") {
  const auto model = full_model();
  const auto& figures = *model.figures;
  REQUIRE(figures.source.p50);
  CHECK(figures.source_between->counts == std::vector<std::uint64_t>{100, 0, 10, 1});
  CHECK(figures.source.p50->seconds == doctest::Approx(0.555));
  CHECK(figures.source.p99->seconds == doctest::Approx(9.945));
  CHECK_FALSE(figures.flush.p50);  // nothing was flushed between the two
  const auto first = compare(nullptr, sample(full_status), 0);
  CHECK(first.flush.p50->seconds == doctest::Approx(0.000555).epsilon(0.01));
}

TEST_CASE("a quantile beyond all bounds says so, and of nothing there is none") {
  CHECK(quantile({{1, 2}, {0, 0, 5}}, 0.5)->beyond);
  CHECK(quantile({{1, 2}, {0, 0, 5}}, 0.5)->seconds == 2);
  CHECK(quantile({{1, 2}, {4, 0, 0}}, 0.5)->seconds == 0.5);
  CHECK_FALSE(quantile({{1, 2}, {0, 0, 0}}, 0.5));
  CHECK_FALSE(read_histogram(*JsonValue::parse(R"({"bounds":[1],"counts":[1]})")));
  CHECK(difference({{1}, {3, 3}}, {{1}, {5, 0}}).counts == std::vector<std::uint64_t>{3, 3});
}

TEST_CASE("the worst part comes first; a daemon that lists troubles only is understood, too") {
  const auto parts = sample("{}", full_health).parts;
  REQUIRE(parts.size() == 5);
  CHECK(parts.front().name == "source");
  CHECK(parts.back().name == "expiry");
  const auto old = sample("{}", R"({"queue":"up","store":"down","troubles":[
    {"part":"store","what":"does not take changes","next":"start it"}]})");
  REQUIRE(old.parts.size() == 2);
  CHECK(old.parts[0].name == "store");
  CHECK(old.parts[0].state == "down");
  CHECK(old.parts[0].next == "start it");
  CHECK(old.parts[1].name == "queue");
}

TEST_CASE("the screen shows every figure in its words") {
  const auto text = screen(full_model(), {100, 40});
  for (const char* words : {"postofficed 0.2.0  localhost:9091  up 2 h",
                            "degraded",
                            "callbacks/s 1,234",
                            "ids/s 123,400",
                            "in flight 1,024 of 1,024",
                            "pending 123,456",
                            "oldest fetch 1.50 s",
                            "oldest store 12.0 ms",
                            "source p50/p99 555 ms / 9.95 s",
                            "online 1,200",
                            "offline 34",
                            "dead letters 2",
                            "queue 64.0 MiB of 10.0 GiB",
                            "disk free 120 GiB",
                            "senders 12",
                            "source   down      for 12.3 s",
                            "connect: Connection refused",
                            "next: start the source, or look",
                            "expiry   idle      for 3.00 s",
                            "█"}) {
    CAPTURE(text);
    CHECK(has(text, words));
  }
}

TEST_CASE("the screen fits into every window, and loses what is wrong last") {
  const auto model = full_model();
  for (std::size_t width = 1; width <= 130; width += 3) {
    for (std::size_t height = 1; height <= 45; height += 4) {
      const auto lines = draw(model, {width, height});
      REQUIRE(lines.size() <= height);
      for (const auto& line : lines) REQUIRE(length(plain_text(line)) <= width);
    }
  }
  const auto small = screen(model, {60, 20});
  for (const char* words : {"callbacks/s 1,234", "pending 123,456", "dead letters 2",
                            "source   down", "next: start the source"}) {
    CAPTURE(small);
    CHECK(has(small, words));
  }
  const auto tiny = screen(model, {60, 9});
  CAPTURE(tiny);
  CHECK(has(tiny, "source   down"));
  CHECK(has(tiny, "next: start the source"));
}

TEST_CASE("a daemon that is away is said to be, beside its last figures") {
  Model model;
  model.address = "localhost:9091";
  model.away = "Connection refused";
  model.away_for = 12;
  CHECK(has(screen(model, {80, 24}), "no answer for 12.0 s: Connection refused; trying again"));
  auto known = full_model();
  known.away = "Connection refused";
  const auto text = screen(known, {80, 24});
  CHECK(has(text, "these are the last figures"));
  CHECK(has(text, "pending 123,456"));
}

TEST_CASE("words of others cannot steer the terminal") {
  CHECK(harmless("a\033[2Jb\tc\x7F\n") == "a?[2Jb c? ");
  CHECK(harmless("x\xC2\x9By\xC2\xA0z") == "x?y\xC2\xA0z");
  CHECK(harmless("\xFF") == "\xEF\xBF\xBD");
  auto now = sample(R"({"version":"\u001b]0;x"})",
                    R"({"parts":[{"part":"\u001b","state":"\u001b","last_error":"\u001b[31m"}]})");
  Model model;
  model.figures = compare(nullptr, now, 0);
  CHECK_FALSE(has(screen(model, {80, 24}), "\033"));
}

TEST_CASE("the heat has the longest durations on top and the newest look on the right") {
  const std::deque<Histogram> looks{{{1, 5, 10}, {4, 0, 0, 0}}, {{1, 5, 10}, {1, 0, 3, 0}}};
  const auto rows = heat(looks, 6, 10);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].up_to == 10);
  CHECK(rows[0].cells == " █");
  CHECK(rows[1].cells == "  ");
  CHECK(rows[2].up_to == 1);
  CHECK(rows[2].cells == "█▓");
  CHECK(heat(looks, 2, 1).size() == 2);
  CHECK(heat(looks, 6, 1)[0].cells == "█");
  CHECK(heat({}, 6, 10).empty());
  CHECK(heat({{{1}, {0, 0}}}, 6, 10).empty());
}

TEST_CASE("figures for programs leave out what is not known") {
  const auto json = JsonValue::parse(to_json("localhost:9091", *full_model().figures));
  REQUIRE(json);
  CHECK((*json)["rates"]["callbacks"].number() == 1'234);
  CHECK((*json)["latency_seconds"]["source"]["p99"].number() == doctest::Approx(9.945));
  CHECK((*json)["latency_seconds"]["flush"].is_null());
  CHECK((*json)["parts"].items().front()["next"].text().rfind("start the source", 0) == 0);
  CHECK((*json)["oldest_waiting_seconds"]["fetch"].number() == 1.5);
}

TEST_CASE("numbers as people read them") {
  CHECK(show_count(1'234'567) == "1,234,567");
  CHECK(show_count(-1'234) == "-1,234");
  CHECK(show_count(999) == "999");
  CHECK(show_rate(0) == "0");
  CHECK(show_rate(3.44) == "3.4");
  CHECK(show_rate(1'234.4) == "1,234");
  CHECK(show_seconds(0.000'42) == "0.42 ms");
  CHECK(show_seconds(0.42) == "420 ms");
  CHECK(show_seconds(4.25) == "4.25 s");
  CHECK(show_seconds(125) == "2 min 5 s");
  CHECK(show_seconds(11'520) == "3 h 12 min");
  CHECK(show_seconds(5 * 86'400 + 3 * 3'600) == "5 d 3 h");
  CHECK(show_bytes(512) == "512 B");
  CHECK(show_bytes(1'258'291) == "1.20 MiB");
  CHECK(show_bytes(64.0 * (1 << 30)) == "64.0 GiB");
}

TEST_CASE("text is cut and wrapped by characters, not bytes") {
  CHECK(cut("aéb", 2) == "aé");
  CHECK(padded("é", 3) == "é  ");
  CHECK(wrapped("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrapped("abcdefgh ij", 3) == std::vector<std::string>{"abc", "def", "gh", "ij"});
  CHECK(in_ascii("░▒▓█ é") == ".:+# ?");
}
