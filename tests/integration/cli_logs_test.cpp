// Where log lines go: a file that is rotated, a disk that is full, a reader that goes away,
// systemd's journal.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "postofficed.hpp"
#include "service_manager.hpp"
#include "support/has.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

// Without stderr nobody hears which ports were free.
struct Quiet {
  explicit Quiet(const Process::Setup& setup)
      : daemon(directory_ / "data", {"--config", config()}, setup) {}

  std::string config() {
    const auto path = directory_ / "conf";
    std::ofstream(path) << "ttl = 30s\n";
    return path;
  }
  /// Makes it log some lines.
  void reload(int ttl) {
    std::ofstream(directory_ / "conf") << "ttl = " << ttl << "s\nlog-level = debug\n";
    daemon.process().signal(SIGHUP);
  }

 private:
  TemporaryDirectory directory_;

 public:
  Daemon daemon;
};

void become_stderr(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC, 0600);
  dup2(file, STDERR_FILENO);
}

/// "2026-01-31T12:00:00.000Z info    text". By hand: GCC 12 takes std::regex for uninitialised
/// under sanitizers.
bool is_whole(const std::string& line) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:dd.dddZ ";
  if (line.size() < form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const bool digit = line[i] >= '0' && line[i] <= '9';
    if (form[i] == 'd' ? !digit : line[i] != form[i]) return false;
  }
  std::istringstream rest(line.substr(form.size()));
  std::string level;
  std::string text;
  rest >> level >> text;
  const bool known = level == "debug" || level == "info" || level == "warning" || level == "error";
  return known && !text.empty();
}

/// Lines that are not whole. The last one of a copy may be: it was made while that line was
/// written.
int torn_lines(const std::string& text, bool is_copy) {
  int torn = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const bool cut_off = is_copy && lines.eof();
    torn += is_whole(line) || cut_off ? 0 : 1;
  }
  return torn;
}

}  // namespace

TEST_CASE("logrotate with copytruncate tears no line, and leaves no hole") {
  constexpr const char* logrotate = "/usr/sbin/logrotate";
  if (access(logrotate, X_OK) != 0) return skip("logrotate is not installed");
  const TemporaryDirectory logs;
  const auto log = logs / "postofficed.log";
  auto rules = content_of(LOGROTATE_RULES);
  const std::string written = "/var/log/postofficed/*.log";
  rules.replace(rules.find(written), written.size(), log);
  std::ofstream(logs / "rules") << rules;
  chmod((logs / "rules").c_str(), 0600);
  // Not for appending, as a careless `2> file` opens it.
  Quiet quiet([&] { become_stderr(log, O_WRONLY | O_CREAT); });
  REQUIRE(eventually([&] { return has(content_of(log), " ready\n"); }));
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 50; ++i) quiet.reload(30 + i);
    Process rotation({logrotate, "--force", "--state", logs / "state", logs / "rules"});
    for (int i = 0; i < 50; ++i) quiet.reload(30 + i);
    CHECK_MESSAGE(rotation.exit_code() == 0, rotation.err());
    REQUIRE(eventually([&] {
      quiet.reload(30);
      return has(content_of(log), "\n");
    }));
    CHECK(torn_lines(content_of(log), false) == 0);
    CHECK(torn_lines(content_of(log + ".1"), true) == 0);
    CHECK_FALSE(has(content_of(log), std::string(1, '\0')));
  }
  quiet.daemon.process().signal(SIGTERM);
  CHECK(quiet.daemon.process().exit_code() == 0);
}

TEST_CASE("a full disk behind stderr costs log lines only") {
  const TemporaryDirectory directory;
  NotifySocket manager;
  const auto tell = manager.pass();
  Quiet quiet([&] {
    tell();
    become_stderr("/dev/full", O_WRONLY);
  });
  REQUIRE(eventually([&] { return manager.hears("READY=1"); }));
  manager.forget();
  quiet.reload(31);
  CHECK(eventually([&] { return manager.hears("READY=1"); }));
  quiet.daemon.process().signal(SIGTERM);
  CHECK(quiet.daemon.process().exit_code() == 0);
}

TEST_CASE("a reader of the log that goes away is missed, and told about what it missed") {
  const TemporaryDirectory directory;
  const auto pipe = directory / "log";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader >= 0);
  NotifySocket manager;
  const auto tell = manager.pass();
  Quiet quiet([&] {
    tell();
    become_stderr(pipe, O_WRONLY);
  });
  std::string text;
  const auto heard = [&](const std::string& part, std::chrono::milliseconds limit) {
    return eventually(
        [&] {
          char piece[4096];
          const ssize_t count = read(reader, piece, sizeof piece);
          if (count > 0) text.append(piece, static_cast<std::size_t>(count));
          return has(text, part);
        },
        limit);
  };
  REQUIRE(heard(" ready\n", 20s));
  int ttl = 30;
  CHECK(eventually([&] {
    close(reader);
    manager.forget();
    quiet.reload(++ttl);
    eventually([&] { return manager.hears("READY=1"); });
    reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    quiet.reload(++ttl);
    return heard(" lost, for stderr took none: Broken pipe\n", 200ms);
  }));
  quiet.daemon.process().signal(SIGTERM);
  CHECK(quiet.daemon.process().exit_code() == 0);
  close(reader);
}

namespace {

/// The journal's own socket, in a /run that only the daemon sees.
class Journal {
 public:
  Journal() : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    std::filesystem::create_directories(run_ / "systemd/journal");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (run_ / "systemd/journal/socket").c_str());
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Journal() { close(socket_); }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// In the new process. False: it may not.
  bool enter() const {
    return unshare(CLONE_NEWNS) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount(run_.path().c_str(), "/run", nullptr, MS_BIND, nullptr) == 0;
  }
  bool may_be_entered() const {
    const pid_t child = fork();
    if (child == 0) _exit(enter() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  /// A datagram is an entry: a field a line, for none of ours holds a line end.
  bool has_entry(const std::vector<std::string>& fields) {
    char message[8192];
    for (ssize_t count; (count = recv(socket_, message, sizeof message, 0)) >= 0;) {
      entries_.emplace_back("\n" + std::string(message, static_cast<std::size_t>(count)));
    }
    return std::any_of(entries_.begin(), entries_.end(), [&](const std::string& entry) {
      return std::all_of(fields.begin(), fields.end(),
                         [&](const std::string& field) { return has(entry, "\n" + field + "\n"); });
    });
  }
  /// Nobody listens from now on.
  void stop() {
    close(socket_);
    socket_ = -1;
    std::filesystem::remove(run_ / "systemd/journal/socket");
  }

 private:
  TemporaryDirectory run_;
  int socket_;
  std::vector<std::string> entries_;
};

/// As systemd tells a service whose stderr it connected to the journal.
void say_that_stderr_is_the_journal() {
  struct stat own {};
  fstat(STDERR_FILENO, &own);
  const auto stream = std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
}

}  // namespace

TEST_CASE("the journal gets lines with level and part as fields, and marked ones if it must") {
  Journal journal;
  if (!journal.may_be_entered()) return skip("no mount namespace may be made here");
  Quiet quiet([&] {
    journal.enter();
    say_that_stderr_is_the_journal();
  });
  const std::string name = "SYSLOG_IDENTIFIER=postofficed";
  CHECK(eventually([&] { return journal.has_entry({"MESSAGE=ready", "PRIORITY=6", name}); }));
  CHECK(journal.has_entry({"PRIORITY=6", "POSTOFFICE_PART=queue"}));
  CHECK(quiet.daemon.process().err().empty());
  quiet.reload(40);
  CHECK(eventually([&] {
    return journal.has_entry(
        {"PRIORITY=6", "POSTOFFICE_PART=reload", "MESSAGE=reload: configuration read again"});
  }));
  journal.stop();
  CHECK(eventually([&] {
    quiet.reload(50);
    return quiet.daemon.said("<6>reload: configuration read again\n");
  }));
  quiet.daemon.process().signal(SIGTERM);
  CHECK(quiet.daemon.process().exit_code() == 0);
}

TEST_CASE("what ends a start is an error of the journal, too") {
  const auto outcome =
      run_postofficed({"serve", "--queue", "file:/tmp"}, say_that_stderr_is_the_journal);
  CHECK(outcome.code == 78);
  CHECK(outcome.err.starts_with("<3>postofficed: "));
}

TEST_CASE("a stderr that is no longer the journal's gets whole lines") {
  const TemporaryDirectory directory;
  Daemon daemon(directory.path(), {}, [] { setenv("JOURNAL_STREAM", "1:2", 1); });
  REQUIRE(daemon.ready());
  CHECK(torn_lines(daemon.process().err(), false) == 0);
}
