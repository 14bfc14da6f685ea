// What the kernel allows: the least that a server can do between reading a request and answering
// it.
//
// One thread, level-triggered epoll, one recv and one send a request. It finds the end of a request
// by its Content-Length, looks at nothing else and answers a constant. With a file it answers when
// the body is in it: a second thread writes and flushes what came while the last flush was under
// way; or, "inline", the one thread writes and flushes each body before it answers, which is the
// least that a single client must wait. Usage: floor_epoll PORT [FILE [inline]]
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/thread.hpp"

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

/// As large as a segment of the queue, and its blocks written before.
class File {
 public:
  explicit File(const char* path)
      : file_(::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    const std::string zeros(size, '\0');
    if (file_ < 0 || ::unlink(path) != 0 ||
        ::pwrite(file_, zeros.data(), size, 0) != static_cast<ssize_t>(size) ||
        ::fsync(file_) != 0) {
      std::perror(path);
      std::exit(1);
    }
  }

  /// Whole blocks: fills up `bytes`.
  void write(std::string& bytes) {
    bytes.resize((bytes.size() + block - 1) / block * block);
    if (at_ + bytes.size() > size) at_ = 0;
    if (::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at_)) !=
            static_cast<ssize_t>(bytes.size()) ||
        ::fdatasync(file_) != 0) {
      std::perror("flush");
      std::exit(1);
    }
    at_ += bytes.size();
  }

 private:
  static constexpr std::size_t size = 64 << 20;
  static constexpr std::size_t block = 4096;

  const int file_;
  std::size_t at_ = 0;
};

class GroupCommit {
 public:
  explicit GroupCommit(File& file) : file_(file) {
    std::thread([this] { run(); }).detach();
  }

  int event() const { return event_; }

  void put(std::string_view body, int socket) {
    const std::lock_guard lock(mutex_);
    bytes_ += body;
    sockets_.push_back(socket);
    if (std::exchange(waits_, false)) wanted_.notify_one();
  }

  /// Those whose bodies are on the disk.
  std::vector<int> take() {
    std::uint64_t count = 0;
    (void)!::read(event_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
  }

 private:
  void run() {
    postoffice::let_others_finish_first();
    std::string bytes;
    std::vector<int> sockets;
    std::unique_lock lock(mutex_);
    while (true) {
      waits_ = true;
      wanted_.wait(lock, [this] { return !sockets_.empty(); });
      waits_ = false;
      bytes.swap(bytes_);
      sockets.swap(sockets_);
      lock.unlock();
      file_.write(bytes);
      lock.lock();
      done_.insert(done_.end(), sockets.begin(), sockets.end());
      bytes.clear();
      sockets.clear();
      const std::uint64_t one = 1;
      (void)!::write(event_, &one, sizeof one);
    }
  }

  File& file_;
  const int event_ = ::eventfd(0, EFD_NONBLOCK);
  std::mutex mutex_;
  std::condition_variable wanted_;
  bool waits_ = false;
  std::string bytes_;
  std::vector<int> sockets_;
  std::vector<int> done_;
};

class Floor {
 public:
  Floor(int port, const char* path, bool in_line) : listener_(listen_at(port)) {
    add(epoll_, listener_);
    if (path == nullptr) return;
    file_ = std::make_unique<File>(path);
    if (in_line) return;
    disk_ = std::make_unique<GroupCommit>(*file_);
    add(epoll_, disk_->event());
  }

  void run() {
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  void handle(int socket) {
    if (disk_ && socket == disk_->event()) {
      for (const int each : disk_->take()) send(each, answer);
      return;
    }
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
      if (!file_ || is_on_disk(bytes.substr(0, size), socket)) answers += answer;
      bytes.remove_prefix(size);
    }
    if (!bytes.empty()) rest_[socket] = bytes;
    if (!answers.empty()) send(socket, answers);
  }

  /// False if the second thread writes the body, and the answer follows later.
  bool is_on_disk(std::string_view request, int socket) {
    const std::string_view body = request.substr(request.find("\r\n\r\n") + 4);
    if (disk_) {
      disk_->put(body, socket);
      return false;
    }
    std::string bytes(body);
    file_->write(bytes);
    return true;
  }

  static void send(int socket, std::string_view text) {
    ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
  }

  int epoll_ = ::epoll_create1(0);
  int listener_;
  std::unique_ptr<File> file_;
  std::unique_ptr<GroupCommit> disk_;  // null if bodies are not written, or in line
  std::array<char, 64 * 1024> buffer_;
  std::unordered_map<int, std::string> rest_;  // of requests that are not complete
};

}  // namespace

int main(int argc, char** argv) {
  const bool in_line = argc > 3 && std::string_view(argv[3]) == "inline";
  Floor(argc > 1 ? std::atoi(argv[1]) : 9199, argc > 2 ? argv[2] : nullptr, in_line).run();
}
