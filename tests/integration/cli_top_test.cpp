// `postofficed top` at a real terminal, with a real daemon.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "postofficed.hpp"
#include "support/free_port.hpp"
#include "support/has.hpp"
#include "support/pty.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> colourful{"TERM=xterm", "LANG=C.UTF-8"};
const std::vector<std::string> colourless{"TERM=xterm", "LANG=C", "NO_COLOR=1"};

constexpr char to_other_page[] = "\033[?1049h";
constexpr char back_again[] = "\033[?25h\033[m\033[?1049l";

std::vector<std::string> top(std::uint16_t port, Arguments more = {}) {
  std::vector<std::string> command{postofficed(), "top", "--admin-listen",
                                   "localhost:" + std::to_string(port)};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

/// The lines of the last whole picture.
std::vector<std::string> last_picture(const std::string& written) {
  const auto end = written.rfind("\033[?2026l");
  const auto begin = written.rfind("\033[H", end);
  REQUIRE(end != std::string::npos);
  REQUIRE(begin != std::string::npos);
  std::vector<std::string> lines;
  std::istringstream picture(written.substr(begin + 3, end - begin - 3));
  for (std::string line; std::getline(picture, line);) lines.push_back(line);
  return lines;
}

/// A free port that a daemon can have again and again.
Daemon daemon_on(const std::string& directory, std::uint16_t port) {
  return Daemon(directory,
                {"--listen", "localhost:0", "--admin-listen", "localhost:" + std::to_string(port)},
                {}, false);
}

}  // namespace

TEST_CASE("top draws, follows its window, and gives the terminal back however it ends") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  for (const std::string end : {"q", "\003", "SIGTERM", "SIGHUP"}) {
    CAPTURE(end);
    PtyProcess screen(top(daemon.admin_port(), {"--interval", "100ms"}), 100, 30, colourful);
    CHECK(screen.eventually_writes(to_other_page));
    CHECK(screen.eventually_writes("callbacks/s"));
    CHECK(screen.eventually_writes("\033[32mwell"));
    CHECK_FALSE(screen.echoes());
    screen.forget();
    screen.resize(60, 20);
    CHECK(screen.eventually_writes("\033[?2026l"));
    CHECK(eventually([&] { return last_picture(screen.written()).size() <= 20; }));
    if (end == "SIGTERM")
      screen.signal(SIGTERM);
    else if (end == "SIGHUP")
      screen.signal(SIGHUP);
    else
      screen.press(end);
    CHECK(screen.exit_code() == 0);
    CHECK(has(screen.written(), back_again));
    CHECK(screen.is_as_before());
  }
}

TEST_CASE("top uses no colour where none is wanted, and ASCII where there is nothing else") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  PtyProcess screen(top(daemon.admin_port()), 80, 24, colourless);
  CHECK(screen.eventually_writes("callbacks/s"));
  screen.press("q");
  CHECK(screen.exit_code() == 0);
  for (const char* colour : {"\033[1m", "\033[2m", "\033[32m", "\033[1;31m"}) {
    CHECK_FALSE(has(screen.written(), colour));
  }
  const auto& text = screen.written();
  CHECK(std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; }));
}

TEST_CASE("top says that the daemon is away, and goes on when it is back") {
  const TemporaryDirectory directory;
  const auto port = free_port();
  PtyProcess screen(top(port, {"--interval", "100ms"}), 100, 30, colourful);
  CHECK(screen.eventually_writes("no answer for"));
  CHECK(screen.eventually_writes("Connection refused"));
  {
    auto daemon = daemon_on(directory.path(), port);
    CHECK(screen.eventually_writes("callbacks/s"));
    screen.forget();
    daemon.process().signal(SIGKILL);
    CHECK(screen.eventually_writes("these are the last figures"));
  }
  screen.forget();
  auto daemon = daemon_on(directory.path(), port);
  CHECK(screen.eventually_writes("\033[32mwell"));
  screen.press("q");
  CHECK(screen.exit_code() == 0);
  CHECK(screen.is_as_before());
}

TEST_CASE("p stops the looking, and p again goes on") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  PtyProcess screen(top(daemon.admin_port(), {"--interval", "100ms"}), 100, 30, colourful);
  CHECK(screen.eventually_writes("callbacks/s"));
  screen.press("p");
  CHECK(screen.eventually_writes("p go on"));
  screen.forget();
  screen.press("p");
  CHECK(screen.eventually_writes("p pause"));
}

TEST_CASE("top for scripts: one screen, or one object, and 69 if nobody answers") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path());
  REQUIRE(daemon.ready());
  REQUIRE(daemon.post("1,2,3").status == 202);
  REQUIRE(eventually([&] { return daemon.status("accepted_ids") == 3; }));
  const auto once = run_postofficed({"top", "--once", "--interval", "100ms", "--admin-listen",
                                     "localhost:" + std::to_string(daemon.admin_port())});
  CHECK(once.code == 0);
  CHECK(has(once.out, "pending 3"));
  CHECK_FALSE(has(once.out, "\033"));
  const auto json = run_postofficed({"top", "--json", "--interval", "100ms", "--admin-listen",
                                     "localhost:" + std::to_string(daemon.admin_port())});
  CHECK(json.code == 0);
  CHECK(std::count(json.out.begin(), json.out.end(), '\n') == 1);
  CHECK(has(json.out, "\"rates\":{\"callbacks\":0,\"ids\":0,"));
  CHECK(has(json.out, "\"pending\":3,"));
  const auto away = run_postofficed({"top", "--once", "--admin-listen", "localhost:1"});
  CHECK(away.code == 69);
  CHECK(has(away.err, "top: localhost:1: Connection refused"));
  CHECK(run_postofficed({"top", "--interval", "soon"}).code == 64);
  CHECK(run_postofficed({"top", "--interval", "1ms"}).code == 64);
}
