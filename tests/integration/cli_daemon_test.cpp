// The daemon as a process: start, signals, locks, sockets passed to it.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "postofficed.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Listens and never answers.
class SilentServer {
 public:
  SilentServer() : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    REQUIRE(bind(descriptor_, place, size) == 0);
    REQUIRE(listen(descriptor_, 64) == 0);
    getsockname(descriptor_, place, &size);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(descriptor_); }

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/{id}"; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("SIGTERM and SIGINT are graceful ends with 0") {
  for (const int number : {SIGTERM, SIGINT}) {
    const TemporaryDirectory directory;
    Daemon daemon(directory.path());
    REQUIRE(daemon.ready());
    CHECK(daemon.post("1,2,3").status == 202);
    daemon.process().signal(number);
    CHECK(daemon.process().exit_code() == 0);
    CHECK(daemon.said("stopped"));
  }
}

TEST_CASE("a second signal ends a daemon that waits for its fetches") {
  const TemporaryDirectory directory;
  const SilentServer source;
  Daemon daemon(directory.path(), {"--source", source.url(), "--drain-limit", "1h"});
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("1").status == 202);
  REQUIRE(eventually([&] { return daemon.status("fetches_in_flight") == 1; }));
  daemon.process().signal(SIGTERM);
  REQUIRE(eventually([&] { return daemon.said("stopping"); }));
  CHECK(daemon.post("2").status == 202);
  CHECK_FALSE(daemon.process().ended());
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 128 + SIGTERM);
}

// A database that hangs holds the start up for half a second, while the pages can be seen already.
TEST_CASE("not ready before callbacks can be sent") {
  const TemporaryDirectory directory;
  const SilentServer database;
  const auto store = "postgres://127.0.0.1:" + std::to_string(database.port()) + "/postoffice";
  Daemon daemon(directory.path(), {"--store", store});
  REQUIRE(eventually([&] { return daemon.admin_port() != 0; }));
  const auto early = daemon.page("/readyz");
  const bool listens = daemon.port() != 0;
  CHECK((early.status == 503 || listens));
  CHECK(eventually([&] { return daemon.page("/readyz").status == 200; }));
  CHECK(daemon.post("1").status == 202);
}

TEST_CASE("what a killed daemon had accepted is found by the next one") {
  const TemporaryDirectory directory;
  {
    Daemon daemon(directory.path());
    REQUIRE(daemon.ready());
    REQUIRE(daemon.post("1,2,3").status == 202);
    daemon.process().signal(SIGKILL);
    CHECK(daemon.process().exit_code() == 128 + SIGKILL);
  }
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  CHECK(daemon.said("1 callback with 3 ids left from before"));
  CHECK(eventually([&] { return daemon.status("accepted_ids") == 3; }));
}

TEST_CASE("a second daemon on one data directory is refused and told who has it") {
  const TemporaryDirectory directory;
  Daemon first(directory.path());
  REQUIRE(first.ready());
  const auto second = run_postofficed(
      {"--data-dir", directory.path(), "--listen", "localhost:0", "--admin-listen", "localhost:0"});
  CHECK(second.code == 74);
  CHECK(second.err.find("in use by another process") != std::string::npos);
  CHECK(second.err.find("process " + std::to_string(first.process().id()) + " (postofficed)") !=
        std::string::npos);
  CHECK(first.page("/readyz").status == 200);
}

TEST_CASE("a port that is taken is 69, which can heal, and named") {
  const TemporaryDirectory directory;
  const SilentServer other;
  const auto address = "127.0.0.1:" + std::to_string(other.port());
  for (const char* option : {"--listen", "--admin-listen"}) {
    const bool admin = std::string(option) == "--admin-listen";
    const auto outcome = run_postofficed({"--data-dir", directory.path(), option, address,
                                          admin ? "--listen" : "--admin-listen", "localhost:0"});
    CHECK(outcome.code == 69);
    CHECK(outcome.err.find(std::string(option) + ": cannot listen on " + address) !=
          std::string::npos);
  }
}

TEST_CASE("a host that does not resolve yet is 69, too") {
  const TemporaryDirectory directory;
  const auto address = std::string(70, 'x') + ":9090";  // too long to ask a name server about
  for (const char* option : {"--listen", "--admin-listen"}) {
    const bool admin = std::string(option) == "--admin-listen";
    const auto outcome = run_postofficed({"--data-dir", directory.path(), option, address,
                                          admin ? "--listen" : "--admin-listen", "localhost:0"});
    CHECK(outcome.code == 69);
    CHECK(outcome.err.find(std::string(option) + ": cannot listen on " + address) !=
          std::string::npos);
  }
}

TEST_CASE("SIGHUP takes over what can change, and names what needs a restart") {
  const TemporaryDirectory directory;
  const auto config = directory / "conf";
  std::ofstream(config) << "ttl = 30s\nkeep = all\n";
  Daemon daemon(directory / "data", {"--config", config, "--fetch-concurrency", "7"});
  REQUIRE(daemon.ready());
  std::ofstream(config) << "ttl = 40s\nlog-level = debug\nkeep = online\ndrain-limit = 2s\n"
                           "fetch-timeout = 3s\ningress-threads = 2";
  daemon.process().signal(SIGHUP);
  REQUIRE(eventually([&] { return daemon.said("configuration read again"); }));
  for (const char* line :
       {"reload: ttl was 30s, is now 40s\n", "reload: keep was all, is now online\n",
        "reload: drain-limit was 5s, is now 2s\n", "reload: fetch-timeout was 10s, is now 3s\n",
        "reload: log-level was info, is now debug\n",
        "reload: ingress-threads was 1, is now 2; this takes effect at the next start\n"}) {
    CAPTURE(line);
    CHECK(daemon.said(line));
  }
  CHECK_FALSE(daemon.said("fetch-concurrency was"));  // the command line still overrides the file
  CHECK(eventually([&] {
    const auto status = daemon.page("/status").body;
    return status.find("\"ttl\":\"40s\"") != std::string::npos &&
           status.find("\"ingress-threads\":\"1\"") != std::string::npos;
  }));
}

TEST_CASE("a bad reload changes nothing, whatever is wrong with it: one line for each mistake") {
  const TemporaryDirectory directory;
  const auto config = directory / "conf";
  std::ofstream(config) << "ttl = 30s\nlog-level = info\n";
  Daemon daemon(directory / "data", {"--config", config});
  REQUIRE(daemon.ready());
  const std::vector<std::pair<std::string, std::string>> files{
      {"ttl = 45s\nttl-seconds = 30\n",
       "conf:2: unknown key \"ttl-seconds\"; did you mean \"ttl\"?; nothing was changed"},
      {"ttl = 45\n",
       "conf:1: \"45\" is not a duration (500ms, 30s, 5m, 1h); did you mean \"45s\"?;"
       " nothing was changed"},
      {"ttl = 45s\nkee", "conf:2: this is not a \"key = value\" line; nothing was changed"},
      {"", "conf holds no option any more: it may be half written; nothing was changed"},
      {"ttl = 45s\nstore-file = /nonexistent\n",
       "conf:2: cannot read /nonexistent: No such file or directory; nothing was changed"},
      {"ttl = 45s\nstore = host=h nonsense=1\n", "nonsense"},
  };
  for (const auto& [content, line] : files) {
    std::ofstream(config) << content;
    daemon.process().signal(SIGHUP);
    CHECK(eventually([&, &line = line] { return daemon.said(line); }));
  }
  std::filesystem::remove(config);
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return daemon.said("conf: No such file or directory; nothing was"); }));
  CHECK(daemon.page("/status").body.find("\"ttl\":\"30s\"") != std::string::npos);
  CHECK_FALSE(daemon.said("configuration read again"));
  CHECK(daemon.post("1").status == 202);

  std::ofstream(config) << "ttl = 45s\n";
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return daemon.said("reload: ttl was 30s, is now 45s"); }));
}

TEST_CASE("SIGHUP with another concurrency is obeyed by the next fetches") {
  const TemporaryDirectory directory;
  const SilentServer source;
  const auto config = directory / "conf";
  std::ofstream(config) << "fetch-concurrency = 2\n";
  Daemon daemon(directory / "data", {"--config", config, "--source", source.url()});
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("1,2,3,4,5").status == 202);
  REQUIRE(eventually([&] { return daemon.status("fetches_in_flight") == 2; }));
  std::ofstream(config) << "fetch-concurrency = 4\n";
  daemon.process().signal(SIGHUP);
  CHECK(eventually([&] { return daemon.status("fetches_in_flight") == 4; }));
  CHECK_FALSE(daemon.said("connections to the source until the next start"));
}

// The pages of the daemon speak HTTP, and stand for a source.
TEST_CASE(
    "validate --online beside the daemon: its ports and lock are seen, an HTTP server is one") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  const auto pages = "localhost:" + std::to_string(daemon.admin_port());
  const auto outcome = run_postofficed({"validate", "--online", "--data-dir", directory.path(),
                                        "--listen", pages, "--admin-listen", "localhost:0",
                                        "--source", "http://" + pages + "/objects/{id}"});
  CHECK(outcome.code == 69);
  CHECK(outcome.err == "postofficed: listen: Address already in use\n");
  CHECK(outcome.out.find(", answers HTTP\n") != std::string::npos);
  CHECK(outcome.out.find("in use by process " + std::to_string(daemon.process().id())) !=
        std::string::npos);
  CHECK(outcome.out.find("objects.db: readable\n") != std::string::npos);
}

TEST_CASE("one port for both listeners is 78 and one line") {
  for (const char* admin : {"localhost:9999", ":9999", "127.0.0.1:9999"}) {
    for (const char* command : {"run", "validate"}) {
      const TemporaryDirectory directory;
      const auto outcome =
          run_postofficed({command, "--data-dir", directory.path(), "--listen", "localhost:9999",
                           "--admin-open", "--admin-listen", admin});
      CHECK(outcome.code == 78);
      CHECK(outcome.err.find("postofficed: --listen localhost:9999 and --admin-listen " +
                             std::string(admin) + " take the same port") != std::string::npos);
    }
  }
}

TEST_CASE("what ends a daemon is JSON, too, if its log is") {
  const auto outcome = run_postofficed({"--log-format", "json", "--ttl", "30", "--keep", "x"});
  CHECK(outcome.code == 78);
  CHECK(outcome.err.find("{\"ts\":\"2") == 0);
  CHECK(outcome.err.find("\"level\":\"error\",\"msg\":\"--ttl: \\\"30\\\" is not a duration") !=
        std::string::npos);
  CHECK(outcome.err.find("\"code\":78}\n{\"ts\"") != std::string::npos);
  const auto data = run_postofficed({"--log-format", "json", "--data-dir", "/dev/null/x"});
  CHECK(data.code == 74);
  CHECK(data.err.find("\"code\":74}\n") != std::string::npos);
}

TEST_CASE("log lines can be JSON") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {"--log-format", "json"});
  CHECK(eventually([&] { return daemon.said("\"level\":\"info\",\"msg\":\"ready\"}"); }));
  CHECK(daemon.said("\"level\":\"info\",\"part\":\"store\",\"msg\":\"store sqlite:"));
}

TEST_CASE("callbacks are taken from a socket that was passed") {
  const TemporaryDirectory directory;
  const SilentServer socket;
  const auto pass = [&] {
    dup2(socket.descriptor(), 3);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "postofficed.socket", 1);
  };
  Daemon daemon(directory.path(), {}, pass);
  REQUIRE(daemon.ready());
  CHECK(http_call(socket.port(), "POST", "/callback", "{\"object_ids\":[1]}").status == 202);
}

TEST_CASE("the journal commands look at a queue with the daemon up and down") {
  const TemporaryDirectory directory;
  const Arguments on{"--data-dir", directory.path()};
  const auto journal = [&](Arguments what) {
    what.insert(what.begin(), "journal");
    what.insert(what.end(), on.begin(), on.end());
    return run_postofficed(what);
  };
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("7,-3").status == 202);
  for (int round = 0; round < 2; ++round) {
    const auto verify = journal({"verify"});
    CHECK(verify.code == 0);
    CHECK(verify.out.find("is sound") != std::string::npos);
    const auto dump = journal({"dump"});
    CHECK(dump.code == 0);
    CHECK(dump.out.find("\"ids\":[-3,7]") != std::string::npos);
    CHECK(journal({"stat"}).out.find("waiting: 1 callback with 2 ids") != std::string::npos);
    CHECK(journal({"stat", "--json"}).out.find("\"ids_waiting\":2") != std::string::npos);
    daemon.process().signal(SIGTERM);
    CHECK(daemon.process().exit_code() == 0);
  }
}
