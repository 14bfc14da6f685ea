// Several daemons on one database: killed, frozen, retired, with clocks that differ.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "integration/cluster.hpp"
#include "integration/postofficed.hpp"
#include "support/now.hpp"
#include "support/source.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t ttl_us = 3'000'000;

/// One daemon with its own data, and perhaps its own idea of the time.
class Member {
 public:
  Member(const Cluster& cluster, const Source& source, std::int64_t seconds_ahead = 0)
      : arguments_{"--store", cluster.conninfo(), "--source", source.url(), "--ttl", "3s"},
        clock_path_(notes_ / "clock") {
    std::ofstream(clock_path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(&seconds_ahead), sizeof seconds_ahead);
    start();
  }

  void start() {
    const auto lie = [this] {
      setenv("LD_PRELOAD", FAKE_WALL_CLOCK, 1);
      setenv("FAKE_WALL_CLOCK", clock_path_.c_str(), 1);
    };
    daemon_.emplace(data_.path(), arguments_, lie);
    REQUIRE(daemon_->ready());
    REQUIRE(eventually([&] { return is("registered"); }));
  }

  bool is(const std::string& state) const {
    return daemon_->page("/healthz").body.find("\"instance\":\"" + state + "\"") !=
           std::string::npos;
  }

  void end(int number) {
    daemon_->process().signal(number);
    CHECK(daemon_->process().exit_code() == (number == SIGKILL ? 128 + SIGKILL : 0));
  }

  Daemon& daemon() { return *daemon_; }
  pid_t id() { return daemon_->process().id(); }

 private:
  TemporaryDirectory data_;
  TemporaryDirectory notes_;
  const Arguments arguments_;
  const std::string clock_path_;
  std::optional<Daemon> daemon_;
};

struct Group {
  Member& add(std::int64_t seconds_ahead = 0) {
    members.push_back(std::make_unique<Member>(cluster, source, seconds_ahead));
    return *members.back();
  }

  /// All have told a watermark of now. A clock that is behind that when it comes, goes on from it.
  bool all_told() const {
    return eventually([&] {
      return cluster.sql(
                 "SELECT min(watermark) > now() - interval '1 s'"
                 " FROM postoffice_instances") == "t";
    });
  }

  bool has(std::int64_t id) const { return rows(cluster).contains(id); }
  bool stored(std::int64_t id) const {
    return eventually([&] { return has(id); });
  }

  /// Sends the ids to members in turn, and all the time looks whether one is missing. The first of
  /// each is waited for: nobody may have sent it for a while.
  void keep_alive(const std::vector<Member*>& receivers, const std::vector<std::int64_t>& ids,
                  std::chrono::milliseconds time) {
    send(*receivers.front(), ids);
    for (const auto id : ids) REQUIRE(stored(id));
    const auto end = now_us() + std::chrono::microseconds(time).count();
    for (std::size_t turn = 0; now_us() < end; ++turn) {
      const auto sent_at = now_us();
      send(*receivers[turn % receivers.size()], ids);
      const auto found = rows(cluster);
      // On a machine that stood still between the two, they may have expired.
      if (now_us() > sent_at + ttl_us * 3 / 4) continue;
      ++looks;
      for (const auto id : ids) missing += found.contains(id) ? 0 : 1;
      std::this_thread::sleep_for(50ms);  // the rate of looks
    }
  }

  static void send(Member& receiver, const std::vector<std::int64_t>& ids) {
    for (const auto id : ids) {
      CHECK(receiver.daemon().post(std::to_string(id)).status == 202);
    }
  }

  /// When the row of an id that is received no more went, after its last receipt.
  std::chrono::milliseconds gone_after(std::int64_t id, std::int64_t since,
                                       std::chrono::seconds limit) const {
    if (!eventually([&] { return !has(id); }, limit)) return 1h;
    return std::chrono::milliseconds((now_us() - since) / 1000);
  }

  Outcome instances(Arguments what) const {
    what.insert(what.begin(), "instances");
    what.insert(what.end(), {"--store", cluster.conninfo()});
    return run_postofficed(what);
  }

  std::string name_of(Member& member) const {
    const auto text = instances({"list", "--json"}).out;
    const auto suffix = "#" + std::to_string(member.id()) + "\"";
    const auto end = text.find(suffix);
    if (end == std::string::npos) return {};
    const auto begin = text.rfind('"', end) + 1;
    return text.substr(begin, end + suffix.size() - 1 - begin);
  }

  Cluster cluster;
  Source source;
  std::vector<std::unique_ptr<Member>> members;
  int looks = 0;
  int missing = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Group, "what one daemon received, another does not delete; what none did, goes") {
  Member& a = add();
  Member& b = add();
  REQUIRE(a.daemon().post("1,2").status == 202);
  REQUIRE(stored(1));
  const auto since = now_us();
  keep_alive({&a, &b}, {1}, 8s);
  CHECK(missing == 0);
  CHECK_FALSE(has(2));
  const auto last = now_us();
  REQUIRE(a.daemon().post("3").status == 202);
  REQUIRE(stored(3));
  const auto took = gone_after(3, last, 10s);
  CHECK(took > 3s);
  CHECK(took < 4500ms);
  report("two daemons: " + std::to_string(looks) + " looks, none missing; a row went " +
         std::to_string(took.count()) + " ms after its receipt (ttl 3 s), watched for " +
         std::to_string((now_us() - since) / 1000) + " ms");
}

TEST_CASE_FIXTURE(Group, "a frozen daemon delays deletes and causes none; retired it delays none") {
  const char* wanted = std::getenv("POSTOFFICE_FREEZE_SECONDS");
  const std::chrono::seconds freeze(wanted ? std::atoi(wanted) : 8);
  Member& a = add();
  Member& b = add();
  Member& c = add();
  REQUIRE(a.daemon().post("1,2").status == 202);
  REQUIRE(stored(2));
  keep_alive({&a, &b, &c}, {1}, 2s);
  // What it accepts in its last moment is not touched before it is frozen.
  REQUIRE(c.daemon().post("1,2").status == 202);
  kill(c.id(), SIGSTOP);
  const auto frozen_at = now_us();
  keep_alive({&a, &b}, {1}, freeze);
  CHECK(missing == 0);
  CHECK(has(2));
  CHECK(instances({"list"}).out.find(name_of(c)) != std::string::npos);

  SUBCASE("it comes back") {
    kill(c.id(), SIGCONT);
    CHECK(gone_after(2, frozen_at, 10s) < freeze + 4s);
    keep_alive({&a, &b, &c}, {1}, 3s);
    CHECK(c.is("registered"));
  }
  SUBCASE("it is retired, and comes back fenced") {
    const auto name = name_of(c);
    CHECK(instances({"retire", name}).code == 0);
    CHECK(instances({"retire", name}).code == 64);
    CHECK(gone_after(2, now_us(), 10s) < 3s);
    kill(c.id(), SIGCONT);
    CHECK(eventually([&] { return c.daemon().said("was retired"); }));
    CHECK(eventually([&] { return c.is("registered"); }));
    keep_alive({&a, &b, &c}, {1}, 3s);
    REQUIRE(c.daemon().post("4").status == 202);
    CHECK(stored(4));
  }
  CHECK(missing == 0);
  report("three daemons, one frozen for " + std::to_string(freeze.count()) +
         " s: " + std::to_string(looks) + " looks, none missing");
}

TEST_CASE_FIXTURE(Group, "clocks that are 20 s apart only make rows go late") {
  Member& slow = add(-20);
  Member& a = add(0);
  Member& b = add(20);
  REQUIRE(a.daemon().post("1,2").status == 202);
  REQUIRE(stored(2));
  const auto since = now_us();
  keep_alive({&a, &b, &slow}, {1}, 8s);
  CHECK(missing == 0);
  CHECK(b.daemon().said("ahead of the server's"));
  CHECK(slow.daemon().said("behind the server's"));
  REQUIRE(b.daemon().post("2").status == 202);
  const auto last = now_us();
  const auto took = gone_after(2, last, 60s);
  CHECK(took > 3s);
  CHECK(took < 45s);
  report("clocks 20 s apart: " + std::to_string(looks) + " looks, none missing; a row went " +
         std::to_string(took.count()) + " ms after its receipt (ttl 3 s), watched for " +
         std::to_string((now_us() - since) / 1000) + " ms");
}

TEST_CASE_FIXTURE(Group, "a clock that is behind when it comes goes on with the others") {
  Member& a = add(0);
  REQUIRE(all_told());
  Member& b = add(-20);
  REQUIRE(b.daemon().post("2").status == 202);
  const auto last = now_us();
  REQUIRE(stored(2));
  REQUIRE(a.daemon().post("1").status == 202);
  CHECK(gone_after(2, last, 10s) < 5s);
  CHECK_FALSE(b.daemon().said("the server's"));
}

TEST_CASE_FIXTURE(Group,
                  "a daemon that was killed holds its rows until it is back; one that was "
                  "stopped holds none") {
  Member& a = add();
  Member& b = add();
  REQUIRE(b.daemon().post("1,2").status == 202);
  REQUIRE(stored(2));
  b.end(SIGKILL);
  std::this_thread::sleep_for(5s);  // beyond ttl
  CHECK(has(2));
  b.start();
  CHECK(eventually([&] { return !has(2); }, 6s));
  b.end(SIGTERM);
  REQUIRE(a.daemon().post("3").status == 202);
  const auto last = now_us();
  REQUIRE(stored(3));
  CHECK(gone_after(3, last, 10s) < 4500ms);
  CHECK(instances({"list"}).out.find("stopped") != std::string::npos);
  b.start();
  CHECK(instances({"list"}).out.find("stopped") == std::string::npos);
}
