// Name servers, files and databases that do not answer, and outages without traffic.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "integration/cluster.hpp"
#include "integration/postofficed.hpp"
#include "pages.hpp"
#include "support/skip.hpp"
#include "support/source.hpp"

namespace postoffice::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A name server that takes every question and answers none.
class SilentNameServer {
 public:
  static constexpr const char* address = "127.71.83.1";

  SilentNameServer() : socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(53);
    place.sin_addr.s_addr = inet_addr(address);
    usable_ = geteuid() == 0 && std::filesystem::exists("/etc/resolv.conf") &&
              bind(socket_, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0;
    std::ofstream(directory_ / "resolv.conf") << "nameserver " << address << "\n";
  }
  ~SilentNameServer() { close(socket_); }

  bool usable() const { return usable_; }

  /// For a process: it asks here.
  Process::Setup setup() const {
    return [file = directory_ / "resolv.conf"] {
      const bool set = unshare(CLONE_NEWNS) == 0 &&
                       mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
      if (!set) _exit(126);
    };
  }

 private:
  TemporaryDirectory directory_;
  int socket_;
  bool usable_ = false;
};

// New ids, twenty a second: each is to be fetched at once, whatever the store does.
std::chrono::milliseconds longest_pause_of_fetches(const Daemon& daemon, const Source& source,
                                                   std::chrono::seconds span) {
  const auto end = Clock::now() + span;
  auto last = Clock::now();
  auto longest = 0ms;
  auto before = source.count();
  for (int id = 1'000; Clock::now() < end; ++id) {
    CHECK(daemon.post(std::to_string(id)).status == 202);
    std::this_thread::sleep_for(50ms);  // the rate
    if (source.count() == before) continue;
    before = source.count();
    longest = std::max(longest,
                       std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last));
    last = Clock::now();
  }
  return std::max(longest,
                  std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - last));
}

// 100 ms are promised; what a busy machine adds is seldom, and far from what hangs.
void check_pages(const PageWatch& pages) {
  CHECK(pages.asked() > 20);
  CHECK(pages.slow() * 10 <= pages.asked());
  CHECK(pages.slowest() < 1s);
}

TEST_CASE("D2: a silent name server stops neither fetches nor pages nor a stop") {
  SilentNameServer names;
  if (!names.usable()) return skip("it takes root, and port 53 of a loopback address");
  Source source;
  TemporaryDirectory data;
  Daemon daemon(data.path(),
                {"--store", "postgresql://postoffice@db.silent.example/postgres", "--source",
                 "http://127.0.0.1" + source.url().substr(source.url().rfind(':'))},
                names.setup());
  REQUIRE(daemon.ready());
  {
    PageWatch pages(daemon.admin_port());
    CHECK(longest_pause_of_fetches(daemon, source, 3s) < 2s);
    check_pages(pages);
    CHECK(eventually([&] { return store_is_down(daemon); }, 4s));
  }
  CHECK(daemon.page("/healthz").body.find("looking up names") != std::string::npos);
  const auto start = Clock::now();
  daemon.process().signal(SIGTERM);
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() >= 0);
  CHECK(Clock::now() - start < 5s);
}

TEST_CASE("D2: a file on a disk that hangs blocks no page; once readable all is stored") {
  Cluster cluster;
  Source source;
  TemporaryDirectory data;
  TemporaryDirectory files;
  const std::string services = files / "services";
  REQUIRE(mkfifo(services.c_str(), 0644) == 0);  // reading waits for a writer
  Daemon daemon(data.path(), {"--store", "service=database", "--source", source.url()},
                [&] { setenv("PGSERVICEFILE", services.c_str(), 1); });
  REQUIRE(daemon.ready());
  {
    PageWatch pages(daemon.admin_port());
    CHECK(longest_pause_of_fetches(daemon, source, 3s) < 2s);
    check_pages(pages);
    CHECK(eventually([&] { return store_is_down(daemon); }, 4s));
  }
  const std::string text =
      "[database]\nhost=127.0.0.1\nport=" + cluster.port() + "\nuser=postoffice\ndbname=postgres\n";
  // Several sessions read it, and a pipe gives what is written to one of them only.
  CHECK(eventually([&] {
    const int pipe = open(services.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (pipe >= 0) {
      CHECK(write(pipe, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
      close(pipe);
    }
    return store_is_up(daemon) && daemon.status("stored") > 0;
  }));
  CHECK_MESSAGE(daemon.said("127.0.0.1:" + cluster.port()), daemon.process().err());
}

// Callbacks come from nobody; the broker, where one is needed, is away.
struct Idle {
  Idle() {
    start({});
    start({"serve", "--queue", "amqp://127.0.0.1:1"});
    start({"worker", "--queue", "amqp://127.0.0.1:1"});
    REQUIRE(eventually([&] { return cluster.sql("SELECT to_regclass('objects')") != ""; }));
  }

  void start(Arguments arguments) {
    arguments.insert(arguments.end(), {"--store", cluster.conninfo()});
    const std::string directory = data / std::to_string(daemons.size());
    daemons.push_back(std::make_unique<Daemon>(directory, arguments));
    REQUIRE(eventually([&] { return daemons.back()->admin_port() != 0; }));
  }

  void check(bool (*holds)(const Daemon&), std::chrono::seconds limit) const {
    const auto start = Clock::now();
    for (std::size_t index = 0; index < daemons.size(); ++index) {
      INFO("0 is run, 1 serve, 2 worker: " << index);
      CHECK(eventually([&] { return holds(*daemons[index]); }, limit));
    }
    CHECK(Clock::now() - start < limit);
  }

  Cluster cluster;
  TemporaryDirectory data;
  std::vector<std::unique_ptr<Daemon>> daemons;
};

bool health_tells(const Daemon& daemon, const std::string& words) {
  const auto page = daemon.page("/healthz");
  return page.status == 503 && page.body.find(words) != std::string::npos;
}

TEST_CASE("D4: an outage is noticed within five seconds without traffic") {
  Idle idle;
  idle.check(store_is_up, 10s);
  idle.cluster.signal_all(SIGSTOP);
  idle.check(store_is_down, 7s);
  idle.check([](const Daemon& daemon) { return health_tells(daemon, "answer"); }, 3s);
  idle.cluster.signal_all(SIGCONT);
  idle.check(store_is_up, 10s);

  idle.cluster.stop_at_once();
  idle.check(store_is_down, 7s);
  idle.check([](const Daemon& daemon) { return health_tells(daemon, "refused"); }, 3s);
  idle.cluster.start();
  idle.check(store_is_up, 10s);
}

TEST_CASE("D4: a database that was never reached is down at once, and named") {
  TemporaryDirectory data;
  Daemon daemon(data.path(), {"--store", "user=postoffice dbname=postgres"}, [] {
    setenv("PGHOST", "127.0.0.1", 1);
    setenv("PGPORT", "1", 1);
  });
  REQUIRE(daemon.ready());
  CHECK(eventually([&] { return store_is_down(daemon); }, 5s));
  const auto page = daemon.page("/healthz");
  CHECK(page.status == 503);
  CHECK(page.body.find("127.0.0.1:1 was never reached") != std::string::npos);
  CHECK(page.body.find("\"part\":\"store\",\"state\":\"down\"") != std::string::npos);
  CHECK(page.body.find("refused") != std::string::npos);
  CHECK(daemon.page("/objects").status == 503);
  CHECK(eventually([&] { return daemon.said("PostgreSQL (127.0.0.1:1)"); }));
  CHECK_FALSE(daemon.said("localhost:5432"));
}

}  // namespace
}  // namespace postoffice::testing
