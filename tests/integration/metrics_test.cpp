// /metrics and /status of real daemons: each figure moves by exactly what happened, the texts are
// what Prometheus reads, and docs/metrics.md tells all of it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "metrics_page.hpp"
#include "postofficed.hpp"
#include "support/skip.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;

namespace {

const Families& document() {
  static const Families families = documented_families(content_of(METRICS_PAGE));
  return families;
}

void check_text(const std::string& metrics, const std::string& role) {
  check_against_document(metrics, role, document());
  if (access(promtool, X_OK) != 0) return skip_part("promtool is missing");
  CHECK(ask_promtool("check metrics", metrics) == "");
}

/// A reader of OpenMetrics that is not ours. It wants a time with each sample.
void check_open_metrics(const std::string& text) {
  if (access(promtool, X_OK) != 0) return skip_part("promtool is missing");
  std::string timed;
  for (const auto& line : lines_of(text)) {
    timed += line + (line.starts_with('#') ? "" : " 1700000000") + "\n";
  }
  CHECK(ask_promtool("tsdb create-blocks-from openmetrics text blocks", timed) == "");
}

std::string get(const Daemon& daemon, const std::string& accept) {
  test::HttpClient client(daemon.admin_port());
  client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: " + accept +
              "\r\n\r\n");
  return client.read_to_end();
}

std::uint64_t bytes_in(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    const std::string name = file.path().filename();
    if (name.ends_with(".journal") || name.starts_with("spare")) bytes += file.file_size();
  }
  return bytes;
}

/// A daemon that has been sent six good ids, one of them unknown to the source, and nonsense.
struct Used {
  Used() {
    source.knows_up_to(1000);
    REQUIRE(daemon.ready());
    CHECK(daemon.post("1,2,3,4,5,2000").status == 202);
    CHECK(daemon.post("nonsense").status == 400);
    CHECK(daemon.post("\"a\"").status == 400);
    CHECK(http_call(daemon.port(), "GET", "/callback").status == 405);
    CHECK(http_call(daemon.port(), "GET", "/nowhere").status == 404);
    CHECK(http_call(daemon.port(), "GET", "/", std::string(2 << 20, ' ')).status == 413);
    settled = eventually([&] {
      text = "\n" + daemon.page("/metrics").body;
      return of("postoffice_pending_ids") == 0 && of("postoffice_rows{state=\"online\"}") == 2;
    });
  }
  double of(const std::string& name) const { return sample(text, name); }
  double count(const std::string& name) const { return of("postoffice_" + name); }

  const TemporaryDirectory directory;
  Source source;
  Daemon daemon{directory.path(), {"--source", source.url()}};
  std::string text;
  bool settled = false;
};

void check_responses(const Used& used) {
  const auto responses = [&](const std::string& labels) {
    return used.count("ingress_responses_total{" + labels + "}");
  };
  CHECK(responses(R"(status="202",reason="accepted")") == 1);
  CHECK(responses(R"(status="400",reason="not_json")") == 1);
  CHECK(responses(R"(status="400",reason="bad_ids")") == 1);
  CHECK(responses(R"(status="405",reason="wrong_method")") == 1);
  CHECK(responses(R"(status="404",reason="no_such_path")") == 1);
  CHECK(responses(R"(status="413",reason="too_large")") == 1);
  CHECK(responses(R"(status="503",reason="queue_full")") == 0);
  CHECK(used.count(R"(ingress_requests_total{result="accepted"})") == 1);
  CHECK(used.count(R"(ingress_requests_total{result="malformed"})") == 2);
  CHECK(used.count(R"(ingress_requests_total{result="refused"})") == 0);
  CHECK(used.count(R"(ingress_requests_total{result="other"})") == 3);
}

void check_durations(const Used& used) {
  const auto of = [&](const std::string& name) { return used.count(name); };
  CHECK(of("ingress_duration_seconds_count") == 3);
  CHECK(of(R"(ingress_duration_seconds_bucket{le="+Inf"})") == 3);
  CHECK(of("journal_flush_duration_seconds_count") == of("journal_flushes_total"));
  CHECK(of("journal_flush_duration_seconds_count") == 1);
  CHECK(of("journal_flush_duration_seconds_sum") > 0);
  CHECK(of(R"(fetch_duration_seconds_count{outcome="answered"})") == 5);
  CHECK(of(R"(fetch_duration_seconds_count{outcome="not_found"})") == 1);
  CHECK(of(R"(fetch_duration_seconds_count{outcome="timeout"})") == 0);
  CHECK(of("receipt_to_row_seconds_count") == 5);
  CHECK(of("receipt_to_row_seconds_sum") > 0);
  CHECK(of("store_transaction_duration_seconds_count") >= 1);
}

void check_gauges(const Used& used) {
  const auto of = [&](const std::string& name) { return used.count(name); };
  for (const char* cause : {"fetch", "backoff", "store"}) {
    CHECK(of("oldest_waiting_seconds{cause=\"" + std::string(cause) + "\"}") == 0);
  }
  CHECK(of("accounting_imbalance") == 0);
  CHECK(of(R"(rows{state="offline"})") == 3);
  CHECK(of("dead_letters") == 0);
  CHECK(of("ingress_connections_max") > 0);
  CHECK(of("admin_connections") >= 1);
  CHECK(of("disk_free_bytes") > 0);
  CHECK(of("queue_growth_stopped") == 0);
  CHECK(used.of("process_threads") >= 5);
  CHECK(used.of("process_virtual_memory_bytes") >= used.of("process_resident_memory_bytes"));
  CHECK(eventually([&] {
    return sample("\n" + used.daemon.page("/metrics").body, "postoffice_queue_bytes") ==
           static_cast<double>(bytes_in(used.directory / "queue"));
  }));
}

void check_status(const std::string& status) {
  const auto says = [&](const std::string& part) { return status.find(part) != status.npos; };
  CHECK(says(R"("accounting_imbalance":0)"));
  CHECK(says(R"("rows":{"online":2,"offline":3},"dead_letters":0)"));
  CHECK(says(R"("oldest_waiting_seconds":{"fetch":0.0,"backoff":0.0,"store":0.0,"touch":)"));
  CHECK(says(R"({"status":400,"reason":"bad_ids","count":1})"));
  CHECK(says(R"("histograms":{"ingress_duration_seconds":{"bounds":[0.0001,)"));
  CHECK(says(R"("fetch_duration_seconds":{"answered":{"bounds":[0.005,)"));
}

}  // namespace

TEST_CASE("each figure of a daemon moves by exactly what happened") {
  Used used;
  REQUIRE(used.settled);
  check_responses(used);
  check_durations(used);
  check_gauges(used);
  check_status(used.daemon.page("/status").body);
  check_text(used.text.substr(1), "run");
  const auto open = get(used.daemon, "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  CHECK(open.find("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n") !=
        std::string::npos);
  check_open_metrics(open.substr(open.find("\r\n\r\n") + 4));
  CHECK(
      get(used.daemon, "*/*").find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") !=
      std::string::npos);
}

TEST_CASE("with the database and the source down, those that wait grow old, by their cause") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--store", "postgresql://nobody@localhost:1/none"});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1,2,3").status == 202);
  std::string text;
  const auto of = [&](const std::string& name) { return sample(text, "postoffice_" + name); };
  CHECK(eventually([&] {
    text = "\n" + daemon.page("/metrics").body;
    return of(R"(oldest_waiting_seconds{cause="touch"})") > 1 &&
           of(R"(fetch_retries_total{cause="unreachable"})") >= 3 &&
           std::max(of(R"(oldest_waiting_seconds{cause="backoff"})"),
                    of(R"(oldest_waiting_seconds{cause="fetch"})")) > 0.5;
  }));
  CHECK(of(R"(fetch_duration_seconds_count{outcome="unreachable"})") == of("fetch_failures_total"));
  CHECK(of(R"(fetch_duration_seconds_count{outcome="timeout"})") == 0);
  CHECK(of("store_transaction_duration_seconds_count") == 0);
  CHECK(of("receipt_to_row_seconds_count") == 0);
  CHECK(of("dead_letters") == -1);  // nobody knows
  CHECK(of("instance_registered") == 0);
  check_text(text.substr(1), "run");
}

#ifdef POSTOFFICED_RABBITMQ
TEST_CASE("the halves of a cluster have the figures that they have, whatever is down") {
  for (const std::string role : {"serve", "worker"}) {
    CAPTURE(role);
    const TemporaryDirectory directory;
    Daemon daemon(directory.path(), {role, "--queue", "amqp://nobody@localhost:1/", "--store",
                                     "postgresql://nobody@localhost:1/none"});
    REQUIRE(daemon.ready());
    const auto metrics = daemon.page("/metrics").body;
    CHECK(families_in(metrics).count("postoffice_ingress_duration_seconds") ==
          (role == "serve" ? 1 : 0));
    CHECK(families_in(metrics).count("postoffice_receipt_to_row_seconds") ==
          (role == "worker" ? 1 : 0));
    check_text(metrics, role);
  }
}

TEST_CASE("a forwarder has the figures of its journal, too") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"serve", "--queue", "file+amqp://nobody@localhost:1/", "--store",
                                   "postgresql://nobody@localhost:1/none"});
  REQUIRE(daemon.ready());
  CHECK(daemon.post("1,2,3").status == 202);
  const auto metrics = daemon.page("/metrics").body;
  CHECK(sample("\n" + metrics, "postoffice_journal_flush_duration_seconds_count") == 1);
  check_text(metrics, "serve");
}
#endif
