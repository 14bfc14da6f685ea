// The parts around a session: its options, the list of hosts, its health, and opening one.
#include "postgres/session.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>

#include "postgres/host_list.hpp"
#include "postgres/opener.hpp"
#include "postgres/session_health.hpp"
#include "support/eventually.hpp"

namespace postoffice::postgres {
namespace {

using namespace std::chrono_literals;

ConnectOptions options(const std::string& conninfo) { return {conninfo, 5s, 10s}; }

std::string refusal(const std::string& conninfo) {
  try {
    options(conninfo);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

TEST_CASE("an option that does not exist is named, whatever else it cannot read is not") {
  CHECK(refusal("hots=a").find("\"hots\"") != std::string::npos);
  CHECK(refusal("postgresql://a/b?sslmod=x").find("\"sslmod\"") != std::string::npos);
  CHECK(refusal("host=a password=one Two").find("Two") == std::string::npos);
  CHECK(refusal("host=a password=one Two=three").find("Two") == std::string::npos);
}

TEST_CASE("TCP gives up on a server later than the server's own limit for a statement") {
  const auto limit = std::stoi(*find(options("host=a").list(), "tcp_user_timeout"));
  CHECK(limit > 10'000);
  CHECK(*find(options("host=a tcp_user_timeout=7").list(), "tcp_user_timeout") == "7");
}

TEST_CASE("credentials may differ in one database") {
  const auto one = options("host=a user=b password=c");
  CHECK(one.same_database(options("host=a user=d password=e sslcert=f")));
  CHECK(one.same_database(options("postgresql://b:x@a")));
  CHECK_FALSE(one.same_database(options("host=a,b user=b password=c")));
  CHECK_FALSE(one.same_database(options("host=a user=b password=c dbname=e")));
}

TEST_CASE("a silent host is left out, and its other addresses take its place") {
  ConnectList list{{"host", "a,b,c"}, {"hostaddr", ",10.0.0.2,"}, {"port", "1,2,3"}};
  HostList hosts(list);
  CHECK(hosts.text() == "a:1, b:2, c:3");
  hosts.leave_out({"a", "10.0.0.1", "1"}, {"::1", "10.0.0.9"});
  hosts.leave_out({"b", "10.0.0.2", "2"}, {});
  hosts.put_into(list);
  CHECK(*find(list, "host") == "a,a,c");
  CHECK(*find(list, "hostaddr") == "::1,10.0.0.9,");
  CHECK(*find(list, "port") == "1,1,3");
  hosts.leave_out({"a", "::1", "1"}, {"10.0.0.1", "10.0.0.9"});  // had or have their turns
  hosts.leave_out({"a", "10.0.0.9", "1"}, {});
  hosts.leave_out({"c", "10.0.0.3", "3"}, {});
  CHECK(hosts.empty());
}

TEST_CASE("a single port is for all hosts, and libpq chooses a missing one") {
  HostList one({{"host", "a,b"}, {"port", "7"}});
  CHECK(one.text() == "a:7, b:7");
  HostList none({});
  CHECK_FALSE(none.empty());
  none.leave_out({"/run/postgresql", "", "5432"}, {});
  CHECK(none.empty());
}

TEST_CASE("health: down is a refusal, or silence for some seconds, until something answers") {
  const SessionHealth::Time start{};
  SessionHealth health(start);
  CHECK(health.status(start + 1h).up);  // nobody has asked
  health.connecting(start);
  CHECK(health.status(start + 3s).up);
  CHECK_FALSE(health.status(start + 4s).up);
  health.waits_for("looking up names");
  CHECK(health.status(start + 4s).reason.find("looking up names") != std::string::npos);
  health.failed(start + 5s, "refused");
  health.connecting(start + 6s);  // the next attempt proves nothing yet
  const auto refused = health.status(start + 6s);
  CHECK_FALSE(refused.up);
  CHECK_FALSE(refused.reached);
  CHECK(refused.reason == "refused");
  CHECK(refused.down_for == 6s);
  health.answered(start + 7s, false);
  CHECK(health.status(start + 1h).up);
  health.refuses("permission denied");
  CHECK(health.status(start + 1h).up);
  CHECK(health.status(start + 1h).reason == "permission denied");
  health.refuses({});
  CHECK(health.status(start + 1h).reason.empty());
  health.asked(start + 10s);
  health.asked(start + 13s);  // the first question counts
  CHECK(health.status(start + 13s).up);
  const auto silent = health.status(start + 14s);
  CHECK_FALSE(silent.up);
  CHECK(silent.reached);
  health.answered(start + 15s, true);
  CHECK(health.status(start + 18s).up);
  CHECK_FALSE(health.status(start + 19s).up);
}

// Accepts connections into its backlog, and never answers.
struct SilentServer {
  SilentServer() : listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener, 16) == 0);
    socklen_t size = sizeof address;
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port = std::to_string(ntohs(address.sin_port));
  }
  ~SilentServer() { close(listener); }
  const int listener;
  std::string port;
};

TEST_CASE("an attempt skips silent hosts, and names those that were silent or refused") {
  const SilentServer silent;
  const auto conninfo = "host=127.0.0.1,127.0.0.1 port=" + silent.port + ",1 connect_timeout=2";
  std::promise<std::string> ended;
  Opener opener(options(conninfo), [&](Opened opened) { ended.set_value(opened.failure.message); });
  auto message = ended.get_future();
  REQUIRE(message.wait_for(20s) == std::future_status::ready);
  const auto text = message.get();
  CHECK(text.find("no answer in time from 127.0.0.1:" + silent.port) != std::string::npos);
  CHECK(text.find("refused") != std::string::npos);
}

TEST_CASE("an abandoned attempt is dropped at once, and calls nothing") {
  const SilentServer silent;
  std::atomic<bool> told{false};
  std::optional<Opener> opener;
  opener.emplace(options("host=127.0.0.1 port=" + silent.port + " connect_timeout=0"),
                 [&](Opened) { told = true; });
  REQUIRE(testing::eventually(
      [&] { return opener->waits_for().find(silent.port) != std::string::npos; }));
  const auto start = std::chrono::steady_clock::now();
  opener.reset();
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  CHECK_FALSE(told);
}

}  // namespace
}  // namespace postoffice::postgres
