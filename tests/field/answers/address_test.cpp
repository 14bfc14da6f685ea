// Where the source is: a name that moves, and a port that connects to itself. In namespaces of the
// daemon's own, so as root only.
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "field/answers/neighbours.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

void need_root() {
  if (geteuid() == 0) return;
  skip_rest("namespaces need root");
}

constexpr std::uint16_t source_port = 40050;

/// A network of this thread's own, with nothing but a loopback interface.
void own_network() {
  if (unshare(CLONE_NEWNET) != 0) _exit(126);
  ifreq request{};
  std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ioctl(any, SIOCSIFFLAGS, &request);
  close(any);
}

void set_local_ports(const std::string& range) {
  std::ofstream("/proc/sys/net/ipv4/ip_local_port_range") << range;
}

/// As a server that starts does it.
bool can_listen() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(source_port);
  const bool good = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    listen(listener, 1) == 0;
  close(listener);
  return good;
}

void hosts(const std::string& file, const std::string& address) {
  std::ofstream(file) << address << " source.test\n127.0.0.1 localhost\n";
}

}  // namespace

TEST_CASE("a name that moved is found again while its old address answers 503") {
  need_root();
  need("/usr/bin/python3");
  const OpenDirectory directory;
  const auto port = free_port();
  const std::string script = std::string(FIELD_DIRECTORY) + "/at_address.py";
  const auto serve = [&](const char* address, const char* status) {
    return std::vector<std::string>{"/usr/bin/python3", script, address, std::to_string(port),
                                    status};
  };
  const Neighbour old(port, serve("127.0.0.2", "503"), "127.0.0.2");
  const Neighbour now(port, serve("127.0.0.3", "200"), "127.0.0.3");
  const auto file = directory / "hosts";
  hosts(file, "127.0.0.2");
  Daemon daemon(directory / "data",
                {"--source", "http://source.test:" + std::to_string(port) + "/objects/{id}"}, [&] {
                  if (unshare(CLONE_NEWNS) != 0 ||
                      mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                      mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0) {
                    _exit(126);
                  }
                });
  REQUIRE(daemon.ready());
  daemon.post("1,2,3,4,5,6,7,8,9,10");
  REQUIRE(eventually([&] { return daemon.status("fetch_failures") >= 10; }));
  hosts(file, "127.0.0.3");
  CHECK(eventually([&] { return daemon.status("stored") == 10; }, 12s));
}

TEST_CASE("a source that is down can bind its port, although the daemon keeps connecting to it") {
  need_root();
  std::thread([] {
    own_network();
    set_local_ports("50001 60000");
    TemporaryDirectory directory;
    const std::string port = std::to_string(source_port);
    Daemon daemon(directory / "data",
                  {"--source", "http://127.0.0.1:" + port + "/objects/{id}", "--listen",
                   "127.0.0.1:9090", "--admin-listen", "127.0.0.1:9091"},
                  {}, false);
    REQUIRE(eventually([&] { return daemon.said(" ready\n"); }));
    REQUIRE(http_call(9090, "POST", "/callback", "{\"object_ids\":[1,2,3,4,5]}").status == 202);
    // From here on nearly every attempt meets itself.
    set_local_ports("40050 40051");
    std::this_thread::sleep_for(3s);  // attempts meet themselves
    int listened = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {
      listened += can_listen() ? 1 : 0;
      std::this_thread::sleep_for(20ms);  // between looks
    }
    CHECK(listened >= 18);
  }).join();
}
