// The daemon with too few descriptors, or too little memory.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <atomic>
#include <list>
#include <numeric>
#include <optional>
#include <thread>

#include "memory_group.hpp"
#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Seconds of processor time a process has used.
double cpu_seconds(pid_t process) {
  const auto text = content_of("/proc/" + std::to_string(process) + "/stat");
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  long user = 0, system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// "VmHWM", "VmRSS": in MiB.
long memory_mib(pid_t process, const std::string& name) {
  const auto text = content_of("/proc/" + std::to_string(process) + "/status");
  const auto place = text.find(name + ":");
  return place == std::string::npos ? 0 : std::atol(text.c_str() + place + name.size() + 1) / 1024;
}

std::size_t descriptors(pid_t process) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    ++count;
  }
  return count;
}

std::int64_t number(const char* name, std::int64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::atoll(given) : otherwise;
}

/// Ids 1 to `all`, in callbacks of `in_each`; all must be accepted. How long the slowest took, in
/// µs.
std::int64_t send_all(std::uint16_t port, std::int64_t all, std::int64_t in_each) {
  std::atomic<std::int64_t> next = 1;
  std::atomic<std::int64_t> refused = 0;
  std::atomic<std::int64_t> slowest = 0;
  const auto send = [&] {
    CallbackConnection connection(port);
    std::vector<std::int64_t> ids(static_cast<std::size_t>(in_each));
    for (;;) {
      const auto first = next.fetch_add(in_each);
      if (first > all || refused > 0) return;
      std::iota(ids.begin(), ids.end(), first);
      const auto begun = now_us();
      if (connection.post(ids) != 202) ++refused;
      const auto took = now_us() - begun;
      for (auto most = slowest.load(); took > most;) {
        if (slowest.compare_exchange_weak(most, took)) break;
      }
    }
  };
  std::vector<std::thread> senders(in_each < 1'000 ? 32 : 1);
  for (auto& sender : senders) sender = std::thread(send);
  for (auto& sender : senders) sender.join();
  REQUIRE(refused == 0);
  return slowest;
}

}  // namespace

TEST_CASE("more connections than descriptors: no spinning, work goes on, recovers (S9)") {
  constexpr rlim_t most = 64;
  Ledger ledger;
  const Source source;
  const TemporaryDirectory data;
  const auto few = [] {
    const rlimit limit{most, most};
    setrlimit(RLIMIT_NOFILE, &limit);
  };
  Daemon daemon(data.path(), {"--source", source.url(), "--ttl", "1h", "--fetch-concurrency", "8"},
                few);
  REQUIRE(daemon.ready());
  CallbackConnection early(daemon.port());
  REQUIRE(post_one(early, ledger).status == 202);

  std::list<CallbackConnection> crowd;
  for (int i = 0; i < 500; ++i) crowd.emplace_back(daemon.port());
  CHECK(eventually([&] { return daemon.said("cannot accept") || daemon.said("limit of connections"); }));
  const auto before = cpu_seconds(daemon.process().id());
  std::this_thread::sleep_for(2s);  // what is measured, not a wait for something
  const auto used = cpu_seconds(daemon.process().id()) - before;
  CHECK(used < 0.4);
  const auto held = descriptors(daemon.process().id());

  // On an open connection callbacks are accepted, fetched, stored and acknowledged.
  for (int i = 0; i < 20; ++i) {
    const auto sent = post_one(early, ledger);
    CHECK(sent.status == 202);
    CHECK(sent.answered_at - sent.sent_at < 1'000'000);
  }
  CHECK(eventually(
      [&] { return sqlite_rows(data / "objects.db").contains(ledger.all().back().ids.back()); }));
  CHECK(eventually([&] {
    return run_postofficed({"journal", "stat", "--data-dir", data.path()})
               .out.find("waiting: 0 callbacks") != std::string::npos;
  }));

  crowd.clear();
  CHECK(eventually([&] {
    CallbackConnection late(daemon.port());
    return post_one(late, ledger).status == 202;
  }));
  CHECK(all_ended(daemon));
  CHECK(eventually([&] { return descriptors(daemon.process().id()) < most - 20; }));
  check_identity(daemon);
  check_outcome(ledger, source, sqlite_rows(data / "objects.db"), {});
  report("500 connections, " + std::to_string(most) + " descriptors: " + std::to_string(held) +
         " held, " + std::to_string(used / 2 * 100) + " % of a processor, " +
         std::to_string(ledger.accepted()) + " callbacks accepted, 0 lost");
}

TEST_CASE("a long backlog in 128 MiB: memory is bounded, callbacks are accepted, it drains (S9)") {
  constexpr long mib = 128;
  const MemoryGroup group(mib << 20);
  if (!group.problem().empty()) return skip(group.problem());
  const auto all = number("POSTOFFICE_WAITING_IDS", 2'000'000);
  const auto in_each = number("POSTOFFICE_WAITING_IDS_IN_EACH", 10'000);
  const bool kept = all <= 2'000'000;  // more rows would take their time

  Source source;
  source.forget_ids();
  source.hang(true);
  const TemporaryDirectory data;
  Daemon daemon(data.path(),
                {"--source", source.url(), "--ttl", kept ? "1h" : "30s", "--fetch-timeout", "10m",
                 "--fetch-concurrency", "256"},
                [&] { group.enter(); });
  REQUIRE(daemon.ready());
  REQUIRE(group.holds(daemon.process().id()));
  const auto slowest = send_all(daemon.port(), all, in_each);
  CHECK(slowest < 1'000'000);
  CHECK(eventually([&] { return daemon.status("accepted_ids") > 0; }));
  const auto waiting = memory_mib(daemon.process().id(), "VmHWM");
  CHECK(waiting < mib);

  source.hang(false);
  const auto begun = now_us();
  CHECK(all_ended(daemon, std::chrono::seconds(60 + all / 5'000)));
  const auto took = static_cast<double>(now_us() - begun) / 1e6;
  CHECK_FALSE(daemon.process().ended());
  check_identity(daemon);
  CHECK(daemon.status("dead") == 0);
  if (kept) CHECK(daemon.status("stored") == static_cast<std::uint64_t>(all));
  // A connection of its own: the other may have been idle for too long by now.
  CHECK(CallbackConnection(daemon.port()).post({1}) == 202);
  const auto most = memory_mib(daemon.process().id(), "VmHWM");
  CHECK(most < mib);
  report("backlog of " + std::to_string(all) + " ids, " + std::to_string(in_each) +
         " in each callback, in " + std::to_string(mib) + " MiB: " + std::to_string(waiting) +
         " MiB while waiting, " + std::to_string(most) + " MiB at most, slowest 202 " +
         std::to_string(slowest / 1000) + " ms, drained in " + std::to_string(took) + " s");
}
