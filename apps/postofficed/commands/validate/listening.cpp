#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "base/host_port.hpp"
#include "commands/validate/trials.hpp"

namespace postofficed {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

// Without SO_REUSEPORT: a daemon that has the port already would be noticed by nobody.
int listen_once(const addrinfo& address) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno;
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const bool good =
      bind(socket, address.ai_addr, address.ai_addrlen) == 0 && listen(socket, 1) == 0;
  const int error = good ? 0 : errno;
  close(socket);
  return error;
}

Trial refused(Trial trial, int error) {
  trial.found = std::error_code(error, std::system_category()).message();
  if (error == EADDRINUSE) {
    trial.result = Trial::Result::unreachable;
    trial.next =
        "if that is not the daemon itself (ss -ltnp names the process), stop the other or "
        "choose another port for --" +
        trial.part;
    return trial;
  }
  trial.result = Trial::Result::wrong;
  trial.next = error == EACCES ? "ports below 1024 need a privilege (CAP_NET_BIND_SERVICE), or a "
                                 "socket passed by systemd"
                               : "give --" + trial.part + " an address of this machine";
  return trial;
}

}  // namespace

Trial try_listening(const std::string& option, const std::string& address) {
  Trial trial{option, "listen on " + address, Trial::Result::ok, "free"};
  const auto where = postoffice::parse_host_port(address);
  if (!where) return refused(trial, EINVAL);
  addrinfo wanted{};
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(where->host.empty() ? nullptr : where->host.c_str(),
                                std::to_string(where->port).c_str(), &wanted, &found);
  if (error != 0) {
    trial.result = Trial::Result::wrong;
    trial.found = gai_strerror(error);
    trial.next = "give --" + option + " a host name or address of this machine";
    return trial;
  }
  const Addresses addresses(found, &freeaddrinfo);
  int last = 0;
  bool any = false;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    const int reason = listen_once(*one);
    if (reason == EADDRINUSE) return refused(trial, reason);
    any = any || reason == 0;
    if (reason != 0) last = reason;
  }
  return any ? trial : refused(trial, last);  // a family that this machine lacks does not matter
}

}  // namespace postofficed
