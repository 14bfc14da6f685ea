#include "daemon/admin_access.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "base/host_port.hpp"
#include "daemon/listening.hpp"

namespace postofficed {
namespace {

bool is_loopback(const sockaddr& address) {
  if (address.sa_family == AF_UNIX) return true;
  if (address.sa_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    return ntohl(four.sin_addr.s_addr) >> 24 == 127;
  }
  if (address.sa_family != AF_INET6) return false;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr) != 0;
}

bool is_loopback(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  return getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
         is_loopback(reinterpret_cast<const sockaddr&>(address));
}

}  // namespace

bool reached_from_here_only(const std::string& listen, const std::vector<int>& sockets) {
  if (!sockets.empty()) {
    for (const int socket : sockets) {
      if (!is_loopback(socket)) return false;
    }
    return true;
  }
  const auto where = postoffice::parse_host_port(listen);
  if (!where || where->host.empty()) return false;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (getaddrinfo(where->host.c_str(), nullptr, &hints, &list) != 0) return true;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &freeaddrinfo);
  for (const addrinfo* one = list; one; one = one->ai_next) {
    if (!is_loopback(*one->ai_addr)) return false;
  }
  return true;
}

std::string reachable(const std::string& listen, std::uint16_t port) {
  const auto where = postoffice::parse_host_port(listen);
  if (!where || where->host.empty() || where->host == "0.0.0.0")
    return "127.0.0.1:" + std::to_string(port);
  if (where->host == "::") return "[::1]:" + std::to_string(port);
  return with_port(listen, port);
}

Failure check_admin(const Options& options, const std::vector<int>& sockets) {
  if (!options.admin_token_file.empty()) {
    const auto token = read_token(options.admin_token_file);
    return token ? Failure() : misconfigured("--admin-token-file: " + token.error().message);
  }
  if (options.admin_open || reached_from_here_only(options.admin_listen, sockets)) return {};
  const std::string where =
      sockets.empty() ? "--admin-listen " + options.admin_listen : "the socket passed as admin";
  return misconfigured(where +
                       " can be reached from other machines, and has no token: give "
                       "--admin-token-file FILE, or --admin-open to let everybody read");
}

AdminAccess::AdminAccess(const Options& options, const std::vector<int>& sockets,
                         const postoffice::Log& log)
    : options_(options), log_(log) {
  // A worker has no files of its own, so it makes no directory for these.
  std::error_code ignored;  // a disk that cannot be read is told by the queue
  if (std::filesystem::is_directory(options.data_dir, ignored)) {
    files_.emplace();
    if (const auto failure = files_->claim(options.data_dir)) {
      warn(failure);
      files_.reset();
    }
  }
  const bool named = !options.admin_token_file.empty();
  if (files_ && !named) own_token_ = random_token();
  auto token = named ? read_token(options.admin_token_file) : Result<std::string>(own_token_);
  const auto where = postoffice::parse_host_port(options.admin_listen);
  access_.emplace(Access::Rules{.loopback = reached_from_here_only(options.admin_listen, sockets),
                                .host = where ? where->host : std::string(),
                                .token_for_all = named},
                  token ? *std::move(token) : std::string());
}

void AdminAccess::announce(std::uint16_t port) {
  if (!files_) return;
  if (const auto failure = files_->write(reachable(options_.admin_listen, port), own_token_))
    warn(failure);
}

Failure AdminAccess::reload() {
  if (options_.admin_token_file.empty()) return {};
  auto token = read_token(options_.admin_token_file);
  if (!token) return std::move(token).error();
  access_->set_token(*std::move(token));
  return {};
}

void AdminAccess::warn(const Failure& failure) const {
  log_(postoffice::LogLevel::warning,
       "commands cannot find this daemon by its data directory: " + failure.message);
}

}  // namespace postofficed
