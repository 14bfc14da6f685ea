#include "support/http_exchange.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/host_port.hpp"

namespace postofficed {
namespace {

constexpr std::size_t answer_bytes_max = 64 << 20;

/// The number behind "Content-Length: ", whatever the case of the name; -1 if there is none.
long long content_length(const std::string& head) {
  constexpr std::string_view name = "\ncontent-length:";
  for (std::size_t at = 0; at + name.size() <= head.size(); ++at) {
    if (strncasecmp(head.c_str() + at, name.data(), name.size()) != 0) continue;
    return std::atoll(head.c_str() + at + name.size());
  }
  return -1;
}

/// Nothing is missing, so that it does not matter when the connection ends.
bool is_complete(const std::string& received) {
  const auto head_end = received.find("\r\n\r\n");
  if (head_end == std::string::npos) return false;
  const auto length = content_length(received.substr(0, head_end));
  return length >= 0 && received.size() - head_end - 4 >= static_cast<std::size_t>(length);
}

/// Takes apart what came.
HttpAnswer read_answer(const std::string& received) {
  HttpAnswer answer;
  const auto head_end = received.find("\r\n\r\n");
  if (received.rfind("HTTP/1.1 ", 0) != 0 || head_end == std::string::npos) {
    answer.problem =
        received.empty() ? "the connection was closed without an answer" : "the answer is not HTTP";
    return answer;
  }
  answer.body = received.substr(head_end + 4);
  const auto length = content_length(received.substr(0, head_end));
  if (length >= 0 && answer.body.size() != static_cast<std::size_t>(length)) {
    answer.body.clear();
    answer.problem = "the answer was cut off";
    return answer;
  }
  answer.status = std::atoi(received.c_str() + 9);
  return answer;
}

}  // namespace

struct HttpExchange::Addresses {
  addrinfo* list = nullptr;
  const addrinfo* next = nullptr;
  ~Addresses() {
    if (list != nullptr) freeaddrinfo(list);
  }
};

std::string request_text(const std::string& address, const HttpQuestion& question) {
  const std::string host = address.starts_with(":") ? "localhost" + address : address;
  std::string request = question.method + " " + question.target + " HTTP/1.1\r\nHost: " + host +
                        "\r\nConnection: close\r\n";
  if (!question.token.empty()) request += "Authorization: Bearer " + question.token + "\r\n";
  if (!question.body.empty()) {
    request += "Content-Type: application/json\r\nContent-Length: " +
               std::to_string(question.body.size()) + "\r\n";
  }
  return request + "\r\n" + question.body;
}

std::string get_request(const std::string& address, const std::string& path,
                        const std::string& token) {
  HttpQuestion question;
  question.target = path;
  question.token = token;
  return request_text(address, question);
}

HttpExchange::HttpExchange(const std::string& address, std::string request)
    : addresses_(std::make_unique<Addresses>()), unsent_(std::move(request)) {
  const auto target = postoffice::parse_host_port(address);
  if (!target) {
    fail("no address: " + address);
    return;
  }
  look_up(target->host.empty() ? "localhost" : target->host, std::to_string(target->port));
}

void HttpExchange::look_up(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (const int code = getaddrinfo(host.c_str(), port.c_str(), &hints, &addresses_->list)) {
    return fail(gai_strerror(code));
  }
  addresses_->next = addresses_->list;
  connect_next();
}

HttpExchange::~HttpExchange() { close(); }

void HttpExchange::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void HttpExchange::fail(const std::string& problem) {
  close();
  answer_.problem = problem;
}

// Of "localhost" one address may have a daemon behind it, and another not.
void HttpExchange::connect_next() {
  while (addresses_->next != nullptr) {
    const addrinfo& one = *addresses_->next;
    addresses_->next = one.ai_next;
    close();
    descriptor_ =
        socket(one.ai_family, one.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one.ai_protocol);
    if (descriptor_ < 0) continue;
    connecting_ = true;
    if (connect(descriptor_, one.ai_addr, one.ai_addrlen) == 0 || errno == EINPROGRESS) return;
  }
  fail(std::strerror(errno));
}

short HttpExchange::events() const {
  return connecting_ || !unsent_.empty() ? short{POLLOUT} : short{POLLIN};
}

void HttpExchange::advance() {
  if (ended()) return;
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      return connect_next();
    }
    connecting_ = false;
  }
  if (!unsent_.empty()) return send_more();
  receive_more();
}

void HttpExchange::send_more() {
  const auto count = send(descriptor_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count > 0) unsent_.erase(0, static_cast<std::size_t>(count));
  if (count < 0 && errno != EAGAIN && errno != EINTR) fail(std::strerror(errno));
}

void HttpExchange::receive_more() {
  char buffer[16 * 1024];
  const auto count = recv(descriptor_, buffer, sizeof buffer, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count < 0) return fail(std::strerror(errno));
  received_.append(buffer, static_cast<std::size_t>(count));
  if (count == 0 || is_complete(received_)) {
    answer_ = read_answer(received_);
    return close();
  }
  if (received_.size() > answer_bytes_max) fail("the answer is too large");
}

HttpAnswer exchange(const std::string& address, std::string request,
                    std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  HttpExchange one(address, std::move(request));
  while (!one.ended()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return {0, {}, "no answer within the time"};
    pollfd place{one.descriptor(), one.events(), 0};
    if (poll(&place, 1, static_cast<int>(left.count())) > 0) one.advance();
  }
  return one.answer();
}

}  // namespace postofficed
