#include "load/client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace postofficed::load {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int look_around_milliseconds = 5;

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Failure last_error() { return {std::error_code(errno, std::system_category())}; }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

struct Connection {
  Descriptor socket{-1};
  std::string received;
  std::string unsent;
  Clock::time_point begun{};
  bool busy = false;
};

/// Where an answer ends, and its status; 0 while it is not complete.
struct AnswerSize {
  std::size_t bytes = 0;
  int status = 0;
};

AnswerSize measure_answer(const std::string& received) {
  constexpr std::string_view name = "Content-Length: ";
  const auto head = received.find("\r\n\r\n");
  if (head == std::string::npos) return {};
  const auto place = received.find(name);
  std::size_t size = head + 4;
  if (place < head) size += std::strtoull(received.c_str() + place + name.size(), nullptr, 10);
  if (received.size() < size) return {};
  return {size, std::atoi(received.c_str() + received.find(' '))};
}

class Client {
 public:
  explicit Client(const Load& load)
      : load_(load), epoll_(epoll_create1(EPOLL_CLOEXEC)), connections_(load.connections) {}

  Result<LoadResult> run() {
    for (auto& connection : connections_) {
      if (auto failure = connect(connection)) return failure;
    }
    const double processor_before = thread_seconds();
    const auto begun = Clock::now();
    const auto end = begun + load_.duration;
    auto look_around = begun;
    for (auto now = begun; now < end; now = Clock::now()) {
      if (now >= look_around) {
        const std::chrono::duration<double> passed = now - begun;
        const std::chrono::duration<double> whole = load_.duration;
        if (load_.go_on && !load_.go_on(passed / whole)) break;
        start_idle();
        look_around = now + std::chrono::milliseconds(look_around_milliseconds);
      }
      wait();
    }
    const std::chrono::duration<double> took = Clock::now() - begun;
    result_.seconds = took.count();
    result_.processor_seconds = thread_seconds() - processor_before;
    return std::move(result_);
  }

 private:
  Failure connect(Connection& connection) {
    connection.busy = false;
    connection.received.clear();
    connection.unsent.clear();
    connection.socket = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int socket = connection.socket.get();
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(load_.port);
    const auto* const place = reinterpret_cast<const sockaddr*>(&address);
    if (socket < 0 || ::connect(socket, place, sizeof address) != 0) return last_error();
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0) return last_error();
    return {};
  }

  // A daemon that ends a connection is not asked twice in a moment.
  void start_idle() {
    for (auto& connection : connections_) {
      if (connection.busy) continue;
      if (connection.socket.get() < 0 && connect(connection)) continue;
      if (!start(connection)) return;
    }
  }

  /// False if there is nothing to send.
  bool start(Connection& connection) {
    const auto request = load_.next();
    if (request.empty()) return false;
    connection.busy = true;
    connection.begun = Clock::now();
    const auto count = ::send(connection.socket.get(), request.data(), request.size(),
                              MSG_NOSIGNAL | MSG_DONTWAIT);
    const auto sent = count > 0 ? static_cast<std::size_t>(count) : 0;
    if (sent == request.size()) return true;
    if (count < 0 && errno != EAGAIN) {
      lose(connection);
      return true;
    }
    connection.unsent = request.substr(sent);
    watch(connection, EPOLLIN | EPOLLOUT);
    return true;
  }

  void watch(Connection& connection, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, connection.socket.get(), &event);
  }

  void lose(Connection& connection) {
    ++result_.failed;
    connection.busy = false;
    connection.socket = Descriptor(-1);
  }

  void wait() {
    epoll_event events[256];
    const int count = epoll_wait(epoll_.get(), events, 256, look_around_milliseconds);
    for (int i = 0; i < count; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) send_rest(connection);
      if ((events[i].events & ~std::uint32_t{EPOLLOUT}) != 0) receive(connection);
    }
  }

  void send_rest(Connection& connection) {
    const auto count = ::send(connection.socket.get(), connection.unsent.data(),
                              connection.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) connection.unsent.erase(0, static_cast<std::size_t>(count));
    if (connection.unsent.empty()) watch(connection, EPOLLIN);
  }

  void receive(Connection& connection) {
    if (connection.socket.get() < 0) return;
    char buffer[16 * 1024];
    const auto count = ::recv(connection.socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return lose(connection);
    connection.received.append(buffer, static_cast<std::size_t>(count));
    const auto answer = measure_answer(connection.received);
    if (answer.bytes == 0) return;
    connection.received.erase(0, answer.bytes);
    if (!std::exchange(connection.busy, false)) return;
    if (answer.status / 100 == 2) {
      ++result_.accepted;
      result_.latencies.add(Clock::now() - connection.begun);
    } else {
      ++result_.refused;
    }
    start(connection);
  }

  const Load& load_;
  const Descriptor epoll_;
  std::vector<Connection> connections_;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> run_load(const Load& load) { return Client(load).run(); }

}  // namespace postofficed::load
