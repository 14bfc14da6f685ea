// stderr is a pipe that is full and that nobody reads: a log driver that was stopped, Ctrl-S in a
// terminal, a pager.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "integration/postofficed.hpp"
#include "support/free_port.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

class FullPipe {
 public:
  FullPipe() {
    REQUIRE(pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const std::string page(4096, '.');
    while (write(ends_[1], page.data(), page.size()) > 0) {
    }
    fcntl(ends_[1], F_SETFL, 0);  // as the daemon meets it: blocking
  }
  ~FullPipe() {
    for (const int end : ends_) close(end);
  }

  void become_stderr() const { dup2(ends_[1], STDERR_FILENO); }

  /// What is in it now.
  std::string take() const {
    std::string text(1 << 20, '\0');
    const ssize_t count = read(ends_[0], text.data(), text.size());
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }

 private:
  std::array<int, 2> ends_{};
};

class Stalled {
 public:
  explicit Stalled(const std::string& source = "http://127.0.0.1:1/objects/{id}")
      : daemon_(
            directory_ / "data",
            {"--listen", "127.0.0.1:" + std::to_string(port), "--admin-listen",
             "127.0.0.1:" + std::to_string(admin_port), "--source", source},
            [this] { stderr_.become_stderr(); }, false) {}

  bool listens() {
    return eventually([this] { return http_get(admin_port, "/readyz").status == 200; });
  }
  int post(const std::string& ids) const {
    return http_call(port, "POST", "/callback", "{\"object_ids\":[" + ids + "]}").status;
  }
  std::string page(const std::string& path) const { return http_get(admin_port, path).body; }
  Process& process() { return daemon_.process(); }
  FullPipe& pipe() { return stderr_; }

  const std::uint16_t port = free_port();
  const std::uint16_t admin_port = free_port();

 private:
  TemporaryDirectory directory_;
  FullPipe stderr_;
  Daemon daemon_;
};

}  // namespace

TEST_CASE("the daemon starts, works, reports errors and stops while nobody reads its log") {
  const auto source_port = free_port();
  const std::string source = "127.0.0.1:" + std::to_string(source_port);
  Stalled daemon("http://" + source + "/objects/{id}");
  REQUIRE(daemon.listens());
  // The source is away: the pipeline has something to say.
  REQUIRE(daemon.post("1,2,3") == 202);
  std::this_thread::sleep_for(2s);  // how long the source is away
  Process tester({POSTOFFICE_TESTER, "--no-sender", "--listen", source});
  CHECK(eventually([&] { return has(daemon.page("/objects?limit=5"), "\"id\""); }));
  CHECK(eventually([&] { return has(daemon.page("/healthz"), "nobody has read stderr for"); }));
  // The pipe is read again.
  std::string text;
  CHECK(eventually([&] {
    text += daemon.pipe().take();
    return has(text, " ready\n") && !has(daemon.page("/healthz"), "nobody has read stderr");
  }));
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code() == 0);
}

TEST_CASE("SIGTERM ends a daemon whose log nobody reads") {
  Stalled daemon;
  REQUIRE(daemon.listens());
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code(15s) == 0);
}

TEST_CASE("a second SIGTERM ends it at once") {
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // takes and never answers
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(silent, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(silent, 16) == 0);
  socklen_t size = sizeof address;
  getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  Stalled daemon("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/{id}");
  REQUIRE(daemon.listens());
  REQUIRE(daemon.post("1") == 202);
  REQUIRE(eventually([&] { return has(daemon.page("/status"), "\"fetches_in_flight\":1"); }));
  daemon.process().signal(SIGTERM);
  std::this_thread::sleep_for(300ms);  // it drains: the second comes on top
  const auto begun = std::chrono::steady_clock::now();
  daemon.process().signal(SIGTERM);
  CHECK(daemon.process().exit_code(15s) == 128 + SIGTERM);
  CHECK(std::chrono::steady_clock::now() - begun < 4s);  // a drain takes five
  close(silent);
}

TEST_CASE("closed standard streams are never files of the daemon's own") {
  const auto port = free_port();
  TemporaryDirectory directory;
  Daemon daemon(
      directory / "data",
      {"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:" + std::to_string(port)},
      [] {
        for (const int stream : {0, 1, 2}) close(stream);
      },
      false);
  REQUIRE(eventually([&] { return http_get(port, "/readyz").status == 200; }));
  for (const char* stream : {"0", "1", "2"}) {
    const auto link = "/proc/" + std::to_string(daemon.process().id()) + "/fd/" + stream;
    CHECK(std::filesystem::read_symlink(link) == "/dev/null");
  }
}
