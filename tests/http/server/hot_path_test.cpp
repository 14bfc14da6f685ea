// What a callback costs in hard numbers, which no other load on the machine can change: allocations
// and system calls.
#include <doctest/doctest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "postoffice/defaults/http_ingress.hpp"
#include "support/allocation_count.hpp"
#include "support/http_client.hpp"
#include "support/process.hpp"
#include "support/skip.hpp"

using postoffice::HttpIngress;
using postoffice::Queue;
using postoffice::Receipt;
using postoffice::testing::allocation_count;
using postoffice::testing::eventually;
using postoffice::testing::Process;
using postoffice::testing::skip;
using postoffice::testing::TemporaryDirectory;

namespace {

constexpr std::size_t connections = 256;
constexpr const char* strace_program = "/usr/bin/strace";

std::string hundred_ids() {
  std::string body = R"({"object_ids":[)";
  for (int i = 0; i < 100; ++i) body += (i ? "," : "") + std::to_string(1'000'000 + i * 7'919);
  return body + "]}";
}

/// An ingress whose callbacks are accepted at once.
class Office {
 public:
  Office() : ingress_({.listen = "127.0.0.1:0"}) {
    REQUIRE_FALSE(ingress_.start([](std::span<const postoffice::ObjectId>, Queue::AppendDone done) {
      done({}, Receipt{1, 1, {}});
    }));
  }
  ~Office() {
    std::promise<void> stopped;
    ingress_.stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
  }

  std::uint16_t port() const { return ingress_.port(); }

 private:
  HttpIngress ingress_;
};

/// Many senders in one thread, which allocate nothing once they are connected.
class Senders {
 public:
  /// `pipelined` requests go in one piece.
  Senders(std::uint16_t port, std::size_t pipelined) : pipelined_(pipelined) {
    const std::string request = test::callback(hundred_ids());
    for (std::size_t i = 0; i < pipelined; ++i) requests_ += request;
    for (std::size_t i = 0; i < connections; ++i) sockets_.push_back(connect_to(port));
  }
  ~Senders() {
    for (const int socket : sockets_) ::close(socket);
  }
  Senders(const Senders&) = delete;
  Senders& operator=(const Senders&) = delete;

  /// Every connection sends its requests and gets its answers. Returns the number of requests.
  std::size_t rounds(int count) {
    for (int i = 0; i < count; ++i) {
      for (const int socket : sockets_) send_all(socket);
      for (const int socket : sockets_) await_answers(socket);
    }
    return static_cast<std::size_t>(count) * sockets_.size() * pipelined_;
  }

 private:
  static int connect_to(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    return socket;
  }

  void send_all(int socket) const {
    for (std::string_view left = requests_; !left.empty();) {
      const ssize_t sent = ::send(socket, left.data(), left.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("cannot send");
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void await_answers(int socket) const {
    std::array<char, 8192> buffer;
    std::size_t bytes = 0;
    for (std::size_t answers = 0; answers < pipelined_;) {
      const ssize_t count = ::recv(socket, buffer.data() + bytes, buffer.size() - bytes, 0);
      if (count <= 0) throw std::runtime_error("the connection ended");
      bytes += static_cast<std::size_t>(count);
      std::string_view text(buffer.data(), bytes);
      for (std::size_t end; (end = text.find("\r\n\r\n")) != text.npos; ++answers) {
        if (!text.starts_with("HTTP/1.1 202 ")) throw std::runtime_error("not accepted");
        text.remove_prefix(end + 4);
      }
      std::copy(text.begin(), text.end(), buffer.begin());
      bytes = text.size();
    }
  }

  std::size_t pipelined_;
  std::string requests_;
  std::vector<int> sockets_;
};

/// Counts the system calls of this process, but for those of the calling thread.
class SystemCalls {
 public:
  SystemCalls() {
    std::vector<std::string> command{strace_program, "-c", "-o", notes_ / "counts"};
    const auto own = std::to_string(syscall(SYS_gettid));
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      const std::string thread = task.path().filename();
      if (thread == own) continue;
      threads_.push_back(task.path());
      command.insert(command.end(), {"-p", thread});
    }
    strace_ = std::make_unique<Process>(command);
    attached_ = eventually([this] { return strace_->ended() || all_traced(); }) && all_traced();
  }

  bool attached() const { return attached_; }

  double count() {
    strace_->signal(SIGINT);
    strace_->exit_code();
    const std::string table = postoffice::testing::content_of(notes_ / "counts");
    MESSAGE(table);
    // The last line: 100.00    0.123456           1     12345           total
    const auto line = table.rfind('\n', table.find(" total"));
    double percent = 0;
    double seconds = 0;
    double each = 0;
    double calls = 0;
    if (line == std::string::npos || std::sscanf(table.c_str() + line, "%lf %lf %lf %lf", &percent,
                                                 &seconds, &each, &calls) < 4) {
      return -1;
    }
    return calls;
  }

 private:
  bool all_traced() const {
    for (const auto& thread : threads_) {
      if (postoffice::testing::content_of(thread + "/status").find("TracerPid:\t0\n") !=
          std::string::npos) {
        return false;
      }
    }
    return true;
  }

  TemporaryDirectory notes_;
  std::vector<std::string> threads_;
  std::unique_ptr<Process> strace_;
  bool attached_ = false;
};

bool strace_is_here() {
  if (access(strace_program, X_OK) == 0) return true;
  skip("strace is missing");
  return false;
}

/// System calls a request; nothing where strace may not trace.
double calls_per_request(const Office& office, std::size_t pipelined) {
  Senders senders(office.port(), pipelined);
  senders.rounds(3);
  SystemCalls calls;
  if (!calls.attached()) {
    skip("strace may not trace");
    return 0;
  }
  const auto requests = static_cast<double>(senders.rounds(20));
  return calls.count() / requests;
}

double allocations_per_request(const Office& office, std::size_t pipelined) {
  Senders senders(office.port(), pipelined);
  senders.rounds(20);
  const auto before = allocation_count();
  const auto requests = static_cast<double>(senders.rounds(100));
  return static_cast<double>(allocation_count() - before) / requests;
}

}  // namespace

TEST_CASE("a callback is taken without an allocation") {
  Office office;
  CHECK(allocations_per_request(office, 1) == 0);
  CHECK(allocations_per_request(office, 16) == 0);
}

TEST_CASE("a callback takes three system calls at most, far fewer when pipelined") {
  if (!strace_is_here()) return;
  Office office;
  CHECK(calls_per_request(office, 1) <= 3.05);
  CHECK(calls_per_request(office, 16) <= 0.5);
}
