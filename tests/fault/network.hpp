// A network of two machines on one: a namespace at the other end of a cable whose packets can get
// lost.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "fault/relay.hpp"
#include "support/process.hpp"

namespace postoffice::testing {

class Network {
 public:
  Network() {
    usable_ = eventually([&] { return link_of(holder_.id()) != link_of(getpid()); },
                         std::chrono::seconds(2)) &&
              ip("link add " + name_ + "a type veth peer name " + name_ + "b netns " + far_) &&
              ip("addr add " + address(1) + "/30 dev " + name_ + "a") &&
              ip("link set " + name_ + "a up") &&
              ip_there("addr add " + address(2) + "/30 dev " + name_ + "b") &&
              ip_there("link set " + name_ + "b up");
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  /// False: it takes root, iproute2 and a kernel with namespaces.
  bool usable() const { return usable_; }

  std::string far_address() const { return address(2); }

  /// A listening socket at the far end; whoever serves it stays at this one.
  int listen_there() const {
    const int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    const int there = open(namespace_of(holder_.id()).c_str(), O_RDONLY | O_CLOEXEC);
    int listener = -1;
    if (here >= 0 && there >= 0 && setns(there, CLONE_NEWNET) == 0) {
      listener = Relay::listen_on(ntohl(inet_addr(far_address().c_str())));
      if (setns(here, CLONE_NEWNET) != 0) std::abort();
    }
    close(there);
    close(here);
    return listener;
  }

  /// Packets are lost silently, both ways: each end has a wrong link address for the other.
  bool drop_packets() const {
    const std::string nobody = " lladdr 02:00:00:00:00:01 nud permanent dev " + name_;
    return ip("neigh replace " + address(2) + nobody + "a") &&
           ip_there("neigh replace " + address(1) + nobody + "b");
  }
  bool deliver_packets() const {
    return ip("neigh del " + address(2) + " dev " + name_ + "a") &&
           ip_there("neigh del " + address(1) + " dev " + name_ + "b");
  }

 private:
  static bool ip(const std::string& arguments) {
    return std::system(("ip " + arguments + " >/dev/null 2>&1").c_str()) == 0;
  }

  bool ip_there(const std::string& arguments) const {
    return std::system(
               ("nsenter -t " + far_ + " -n ip " + arguments + " >/dev/null 2>&1").c_str()) == 0;
  }

  static std::string namespace_of(pid_t process) {
    return "/proc/" + std::to_string(process) + "/ns/net";
  }
  static std::string link_of(pid_t process) {
    std::error_code ignored;
    return std::filesystem::read_symlink(namespace_of(process), ignored).string();
  }

  /// Ends with the test, however that ends; and with it the far end and the cable.
  static void become_holder() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
  }

  static std::string address(int end) {
    const auto process = static_cast<unsigned>(getpid());
    return "10.213." + std::to_string(process % 251) + "." +
           std::to_string(process / 251 % 60 * 4 + static_cast<unsigned>(end));
  }

  const std::string name_ = "po" + std::to_string(getpid());
  const Process holder_{{"/bin/sleep", "3600"}, become_holder};
  const std::string far_ = std::to_string(holder_.id());
  bool usable_ = false;
};

}  // namespace postoffice::testing
