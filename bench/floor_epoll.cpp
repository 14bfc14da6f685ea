// What the kernel allows: the least that a server can do between reading a request and answering
// it.
//
// One thread, level-triggered epoll, one recv and one send a request. It finds the end of a request
// by its Content-Length, looks at nothing else and answers a constant. Usage: floor_epoll PORT
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view answer = "HTTP/1.1 204 No Content\r\n\r\n";

// Length of the first request in `bytes`, 0 if it is not complete.
std::size_t request_size(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  std::size_t body = 0;
  const std::size_t field = bytes.find("Content-Length: ");
  if (field < end) {
    const char* digits = bytes.data() + field + std::string_view("Content-Length: ").size();
    std::from_chars(digits, bytes.data() + end, body);
  }
  return end + 4 + body <= bytes.size() ? end + 4 + body : 0;
}

int listen_at(int port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 4096) != 0) {
    std::perror("listen");
    std::exit(1);
  }
  return listener;
}

void add(int epoll, int socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = socket;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
}

class Floor {
 public:
  explicit Floor(int port) : listener_(listen_at(port)) { add(epoll_, listener_); }

  void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  void handle(int socket) {
    if (socket != listener_) return serve(socket);
    const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (accepted >= 0) add(epoll_, accepted);
  }

  void serve(int socket) {
    const ssize_t count = ::recv(socket, buffer_.data(), buffer_.size(), 0);
    if (count <= 0) {
      rest_.erase(socket);
      ::close(socket);
      return;
    }
    std::string_view bytes(buffer_.data(), static_cast<std::size_t>(count));
    const auto rest = rest_.find(socket);
    std::string joined;
    if (rest != rest_.end()) {
      joined = rest->second.append(bytes);
      rest_.erase(rest);
      bytes = joined;
    }
    std::string answers;
    while (const std::size_t size = request_size(bytes)) {
      answers += answer;
      bytes.remove_prefix(size);
    }
    if (!bytes.empty()) rest_[socket] = bytes;
    if (!answers.empty()) ::send(socket, answers.data(), answers.size(), MSG_NOSIGNAL);
  }

  int epoll_ = ::epoll_create1(0);
  int listener_;
  std::array<char, 64 * 1024> buffer_;
  std::unordered_map<int, std::string> rest_;  // of requests that are not complete
};

}  // namespace

int main(int argc, char** argv) { Floor(argc > 1 ? std::atoi(argv[1]) : 9199).run(); }
