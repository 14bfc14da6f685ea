// postofficed-healthcheck: the health check of a container without a shell. A program of its own,
// so that it starts at once and the command line of the daemon stays as it is.
//   postofficed-healthcheck [/livez|/readyz|/healthz]
// Requests a page of the admin listener that POSTOFFICE_ADMIN_LISTEN names; succeeds if the answer
// is 200 within two seconds.
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/host_port.hpp"

namespace {

constexpr timeval patience{2, 0};

// What listens on every address is asked on those of this machine. By number, for an image may have
// no file of hosts.
std::vector<std::string> reachable(const std::string& host) {
  const bool here = host.empty() || host == "0.0.0.0" || host == "::" || host == "localhost";
  if (here) return {"127.0.0.1", "::1"};
  return {host};
}

bool send_all(int socket, const std::string& text) {
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

bool answers_well(int socket, const std::string& page) {
  const std::string wanted = "HTTP/1.1 200 ";
  if (!send_all(socket,
                "GET " + page + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")) {
    return false;
  }
  std::string answer(wanted.size(), '\0');
  return recv(socket, answer.data(), answer.size(), MSG_WAITALL) ==
             static_cast<ssize_t>(answer.size()) &&
         answer == wanted;
}

bool is_well_at(const addrinfo& address, const std::string& page) {
  const int socket = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  for (const int limit : {SO_RCVTIMEO, SO_SNDTIMEO}) {  // the second is of connect(), too
    setsockopt(socket, SOL_SOCKET, limit, &patience, sizeof patience);
  }
  const bool well =
      connect(socket, address.ai_addr, address.ai_addrlen) == 0 && answers_well(socket, page);
  close(socket);
  return well;
}

bool is_well(const std::string& host, std::uint16_t port, const std::string& page) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    if (is_well_at(*address, page)) return true;
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  const char* given = std::getenv("POSTOFFICE_ADMIN_LISTEN");
  const auto where = postoffice::parse_host_port(given && *given ? given : "localhost:9091");
  if (!where) return 1;
  const auto hosts = reachable(where->host);
  const std::string page = count > 1 ? arguments[1] : "/livez";
  const bool well = std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
    return is_well(host, where->port, page);
  });
  return well ? 0 : 1;
}
