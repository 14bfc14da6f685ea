#include "daemon/passed_sockets.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

using namespace postofficed;

namespace {

// Sockets numbered one after another, as the service manager passes them.
class Passed {
 public:
  explicit Passed(int count, bool listening = true) : count_(count) {
    for (int i = 0; i < count; ++i) {
      const int opened = socket(AF_INET, SOCK_STREAM, 0);
      REQUIRE(opened >= 0);
      if (listening) REQUIRE(listen(opened, 1) == 0);
      REQUIRE(dup2(opened, first + i) == first + i);
      close(opened);
    }
  }
  ~Passed() {
    for (int i = 0; i < count_; ++i) close(first + i);
  }

  Result<PassedSockets> take(const std::string& names,
                             const std::string& process = std::to_string(getpid())) const {
    std::map<std::string, std::string> variables{{"LISTEN_PID", process},
                                                 {"LISTEN_FDS", std::to_string(count_)}};
    if (!names.empty()) variables["LISTEN_FDNAMES"] = names;
    return take_passed_sockets(
        [&](const std::string& name) -> std::optional<std::string> {
          const auto found = variables.find(name);
          if (found == variables.end()) return std::nullopt;
          return found->second;
        },
        first);
  }

  static constexpr int first = 100;

 private:
  int count_;
};

}  // namespace

TEST_CASE("sockets go where their names say") {
  const Passed passed(3);
  const auto sockets = passed.take("callback:admin:callback");
  REQUIRE(sockets);
  CHECK(sockets->callback == std::vector<int>{100, 102});
  CHECK(sockets->admin == std::vector<int>{101});
}

TEST_CASE("a single socket without a name of ours is for callbacks") {
  const Passed passed(1);
  for (const char* names : {"", "unknown", "postofficed.socket"}) {
    const auto sockets = passed.take(names);
    REQUIRE(sockets);
    CHECK(sockets->callback == std::vector<int>{100});
  }
  const auto sockets = passed.take("admin");
  REQUIRE(sockets);
  CHECK(sockets->admin == std::vector<int>{100});
}

TEST_CASE("several sockets need names") {
  const Passed passed(2);
  CHECK_FALSE(passed.take("callback:postofficed.socket"));
}

TEST_CASE("sockets meant for another process are left alone") {
  const Passed passed(1);
  const auto sockets = passed.take("callback", "1");
  REQUIRE(sockets);
  CHECK(sockets->callback.empty());
}

TEST_CASE("a descriptor that does not listen is refused") {
  const Passed passed(1, false);
  CHECK_FALSE(passed.take("callback"));
}

TEST_CASE("passed sockets are not inherited by children") {
  const Passed passed(1);
  REQUIRE(passed.take("callback"));
  CHECK((fcntl(100, F_GETFD) & FD_CLOEXEC) != 0);
}
