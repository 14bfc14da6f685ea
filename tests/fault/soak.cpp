// Runs the whole service for minutes or hours with one fault after another: accepted callbacks are
// not lost, live rows are not deleted, and the daemon does not grow. The environment may set
// POSTOFFICE_SOAK_SECONDS and POSTOFFICE_SOAK_BETWEEN (from one fault to the next).
#include <doctest/doctest.h>

#include <fstream>
#include <unordered_set>

#include "soak_faults.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::int64_t ttl_us = 10'000'000;

std::chrono::seconds seconds_from(const char* name, int usual) {
  const char* text = std::getenv(name);
  return std::chrono::seconds(text ? std::max(1, std::atoi(text)) : usual);
}

struct Soak {
  void run() {
    const auto seed = random();
    sender.emplace(faults.port, receipts, static_cast<unsigned>(seed));
    rows_repeated.emplace(200ms, [this] { rows_watch.look(); });
    gauges_repeated.emplace(length < 10min ? 1s : 5s, [this] { gauges.look(); });
    strike_until_end();
    sender->slow_down();
    std::this_thread::sleep_for(10s);  // back to what is normal, and no long backlog in the end
    sender->stop();
    check_end();
    check_rows_vanish();
    std::this_thread::sleep_until(SteadyClock::now() + (length < 10min ? 0s : 45s));
    gauges.look();
    gauges_repeated.reset();
    rows_repeated.reset();
    check_nothing_lost();
    print_lives();
    check_flat();
    summary();
    violations.check();
  }

  /// In the last third of a long soak the daemon is left alive, so that it can be seen to grow.
  void strike_until_end() {
    const auto end = begun + length;
    for (auto next = begun + between / 2; next < end;) {
      std::this_thread::sleep_until(next);
      const bool restarts = length < 10min || next < end - length / 3;
      note_passed_over();
      faults.strike(random, restarts);
      next += between / 2 + random() % 1000 * between / 1000;
      next = std::max(next, SteadyClock::now() + 1s);
    }
    std::this_thread::sleep_until(end);
  }

  /// Everything accepted has ended; last receipts are in their rows.
  void check_end() {
    auto& daemon = *faults.daemon;
    const bool ended = eventually(
        [&] {
          return daemon.status("pending") == 0 &&
                 daemon.status("acknowledged") == daemon.status("last_durable");
        },
        60s);
    if (!ended) violations.add("not all ended", daemon.page("/status").body);
    if (const auto broken = broken_identity(daemon.page("/metrics").body); !broken.empty()) {
      violations.add("accounting (S8)", broken);
    }
    const auto last = receipts.last_since(now_us() - ttl_us + 2'000'000);
    const auto found = rows(faults.cluster);
    if (last.empty()) violations.add("it took too long to end", "no row may be left");
    for (const auto& [id, receipt] : last) {
      const auto row = found.find(id);
      const bool right =
          row != found.end() && row->second.online == (id % 2 == 0) &&
          row->second.last_seen >= receipt.sent_at - slack_us &&
          (!receipt.certain || row->second.last_seen <= receipt.answered_at + slack_us);
      if (!right) violations.add("wrong row in the end", std::to_string(id));
    }
    rows_checked = last.size();
  }

  /// Nothing lags: a row goes at most 1 s after its time, and the machine may be slow.
  void check_rows_vanish() {
    if (!eventually([&] { return rows(faults.cluster).empty(); },
                    std::chrono::seconds(ttl_us / 1'000'000 + 3))) {
      violations.add("rows stay after ttl", std::to_string(rows(faults.cluster).size()));
    }
  }

  /// Ids that ended as expired: a source that is away for longer than ttl is not asked about them
  /// any more. Each life of the daemon counts anew.
  void note_passed_over() {
    const auto expired = faults.daemon->status("expired");
    expired_before += expired < expired_in_life ? expired_in_life : 0;
    expired_in_life = expired;
  }

  /// Ids that came once: each was answered, and so became a row (or was too late for one), or it
  /// is a dead letter, or was counted as expired.
  void check_nothing_lost() {
    note_passed_over();
    std::unordered_set<std::int64_t> answered;
    faults.source->process().signal(SIGTERM);
    faults.source->process().exit_code();
    for (const auto& path : faults.source_records()) read_fetches(path, answered);
    const auto dead = dead_letters();
    for (const auto id : receipts.fresh()) {
      if (rows_watch.fresh_seen().contains(id)) continue;
      if (dead.contains(id)) {
        ++dead_count;
      } else if (answered.contains(id)) {
        ++too_late;
      } else if (++passed_over > expired_before + expired_in_life) {
        violations.add("lost", "id " + std::to_string(id));
      }
    }
  }

  static void read_fetches(const std::string& path, std::unordered_set<std::int64_t>& answered) {
    const std::string begin = "{\"fetch\":";
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      if (line.rfind(begin, 0) != 0 || line.find("\"status\":200}") == std::string::npos) continue;
      answered.insert(std::atoll(line.c_str() + begin.size()));
    }
  }

  std::set<std::int64_t> dead_letters() const {
    std::istringstream text(
        faults.cluster.sql("SELECT string_agg(id::text, ' ') FROM dead_letters"));
    return {std::istream_iterator<std::int64_t>(text), {}};
  }

  void print_lives() const {
    std::printf(
        "life   from s     to s | RSS MiB first third  last   max | descriptors first "
        "last  max | own first last  max\n");
    int number = 0;
    for (const auto& life : gauges.lives()) {
      ++number;
      if (life.empty()) continue;
      const auto most = [&](auto member) {
        auto found = life.front().*member;
        for (const auto& each : life) found = std::max(found, each.*member);
        return found;
      };
      const auto &first = life.front(), &third = life[life.size() / 3], &last = life.back();
      using Sample = Gauges::Sample;
      std::printf(
          "%4d %8.0f %8.0f |       %6.1f %5.1f %5.1f %5.1f |            %6ld %4ld %4ld |"
          "     %5ld %4ld %4ld\n",
          number, first.at, last.at, first.rss_mib, third.rss_mib, last.rss_mib,
          most(&Sample::rss_mib), first.descriptors, last.descriptors, most(&Sample::descriptors),
          first.own, last.own, most(&Sample::own));
    }
  }

  /// Of the last life, which ends in silence; memory only if there was time for it to settle.
  void check_flat() {
    const auto lives = gauges.lives();
    const auto& life = lives.back();
    REQUIRE_FALSE(life.empty());
    const auto& end = life.back();
    long own = 0;  // in the beginning, when it may not have opened everything yet
    for (std::size_t i = 0; i < std::min<std::size_t>(5, life.size()); ++i) {
      own = std::max(own, life[i].own);
    }
    if (end.own > own + 3) {
      violations.add("descriptors", std::to_string(end.own) + " after " + std::to_string(own));
    }
    if (end.senders > 0) violations.add("connections of nobody", std::to_string(end.senders));
    const auto from = std::max(life.front().at + 30, seconds(length) / 3);
    const auto third = std::find_if(life.begin(), life.end(),
                                    [&](const auto& sample) { return sample.at >= from; });
    if (length < 5min || third == life.end()) return;
    if (end.rss_mib > 1.3 * third->rss_mib) {
      violations.add("memory",
                     std::to_string(end.rss_mib) + " MiB after " + std::to_string(third->rss_mib));
    }
  }

  static double seconds(SteadyClock::duration span) {
    return std::chrono::duration<double>(span).count();
  }

  void summary() const {
    std::string kinds;
    for (const auto& [name, count] : faults.struck()) {
      kinds += (kinds.empty() ? "" : ", ") + name + " " + std::to_string(count);
    }
    const auto counts = receipts.counts();
    const auto lives = gauges.lives();
    const auto& first = lives.front().front();
    const auto& last = lives.back().back();
    std::printf(
        "soak of %.1f minutes: faults: %s; %d restarts, slowest %.1f s; %zu callbacks accepted "
        "(slowest %lld ms), %zu refused, %zu unknown, %zu lost; %zu rows deleted, %zu early, %zu "
        "looks; %zu answered too late, %zu passed over, %zu dead letters; %zu rows right in the "
        "end; RSS %.1f -> "
        "%.1f MiB; descriptors %ld -> %ld\n",
        seconds(SteadyClock::now() - begun) / 60, kinds.c_str(), faults.restarts(),
        faults.slowest_start(), counts.accepted,
        static_cast<long long>(receipts.slowest_us() / 1000), counts.refused, counts.unknown,
        violations.count("lost"), rows_watch.gone(), violations.count("early delete"),
        rows_watch.looks(), too_late, passed_over, dead_count, rows_checked, first.rss_mib,
        last.rss_mib, first.descriptors, last.descriptors);
    std::fflush(stdout);
  }

  static constexpr std::int64_t slack_us = 200'000;  // clocks drift apart

  const std::chrono::seconds length = seconds_from("POSTOFFICE_SOAK_SECONDS", 45);
  const std::chrono::milliseconds between = seconds_from("POSTOFFICE_SOAK_BETWEEN", 5);
  std::mt19937 random = random_numbers("soak");
  Violations violations;
  Receipts receipts;
  Gauges gauges{violations};
  SoakFaults faults{"10s", violations, gauges};
  RowsWatch rows_watch{faults.cluster, receipts, ttl_us, violations};
  const SteadyClock::time_point begun = SteadyClock::now();
  std::size_t rows_checked = 0, too_late = 0, passed_over = 0, dead_count = 0;
  std::uint64_t expired_before = 0, expired_in_life = 0;
  std::optional<SteadySender> sender;
  std::optional<Repeated> rows_repeated, gauges_repeated;
};

}  // namespace

TEST_CASE("soak: one fault after another, nothing lost, nothing deleted early, no growth") {
  Soak().run();
}
