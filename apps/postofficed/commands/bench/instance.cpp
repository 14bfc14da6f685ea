#include "commands/bench/instance.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>
#include <thread>

#include "support/http_exchange.hpp"

extern char** environ;

namespace postofficed::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto start_limit = 30s;
constexpr int passed_first = 3;  // as systemd passes sockets
constexpr int out_of_the_way = 64;

std::error_code last_error() { return {errno, std::system_category()}; }

class ListeningSocket {
 public:
  ListeningSocket() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const place = reinterpret_cast<sockaddr*>(&address);
    if (::bind(descriptor_, place, size) != 0 || ::listen(descriptor_, SOMAXCONN) != 0 ||
        ::getsockname(descriptor_, place, &size) != 0) {
      return;
    }
    port_ = ntohs(address.sin_port);
  }
  ~ListeningSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }  ///< 0: it could not be made

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

/// Everything but what tells a daemon where its files, ports and service manager are.
std::vector<std::string> harmless_environment() {
  std::vector<std::string> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    bool harmless = true;
    for (const char* prefix : {"POSTOFFICE_", "LISTEN_", "NOTIFY_SOCKET=", "WATCHDOG_",
                               "STATE_DIRECTORY=", "CREDENTIALS_DIRECTORY="}) {
      harmless = harmless && text.rfind(prefix, 0) != 0;
    }
    if (harmless) kept.push_back(text);
  }
  return kept;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What the new process needs, all of it made before: between fork and exec only system calls are
/// safe, as other threads may have held any lock.
struct Birth {
  std::vector<char*> command;
  std::vector<char*> variables;
  char* process_number;  ///< where its own number belongs, in the value of LISTEN_PID
  std::array<int, 2> sockets;
  int log;
  pid_t parent;
  sigset_t signals;
};

[[noreturn]] void become(const Birth& birth) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != birth.parent) ::_exit(1);  // it has gone before that took effect
  ::setpgid(0, 0);                              // Ctrl-C is for the parent
  std::array<int, 2> moved{};
  for (std::size_t i = 0; i < moved.size(); ++i) {
    moved[i] = ::fcntl(birth.sockets[i], F_DUPFD_CLOEXEC, out_of_the_way);
  }
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(birth.log, STDERR_FILENO);
  for (std::size_t i = 0; i < moved.size(); ++i) {
    ::dup2(moved[i], passed_first + static_cast<int>(i));
  }
  *std::to_chars(birth.process_number, birth.process_number + 20, ::getpid()).ptr = '\0';
  ::sigprocmask(SIG_SETMASK, &birth.signals, nullptr);
  ::execve("/proc/self/exe", birth.command.data(), birth.variables.data());
  ::_exit(127);
}

}  // namespace

Instance::~Instance() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

std::vector<std::string> Instance::command() const {
  const auto& directory = options_.directory;
  std::vector<std::string> words{"postofficed", "run",
                                 "--data-dir",  directory,
                                 "--queue",     "file:" + directory + "/queue",
                                 "--store",     "sqlite:" + directory + "/objects.db",
                                 "--source",    options_.source};
  words.insert(words.end(), options_.more.begin(), options_.more.end());
  return words;
}

Failure Instance::start(const std::function<bool()>& cancelled) {
  const ListeningSocket callbacks;
  const ListeningSocket admin;
  port_ = callbacks.port();
  admin_port_ = admin.port();
  if (port_ == 0 || admin_port_ == 0) {
    return {ExitCode::unavailable, "no port of 127.0.0.1 can be had: " + last_error().message()};
  }
  if (auto failure = begin(callbacks.descriptor(), admin.descriptor())) return failure;
  return wait_until_ready(cancelled);
}

Failure Instance::begin(int callbacks, int admin) {
  const auto path = options_.directory + "/log";
  const int log = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND, 0600);
  if (log < 0) return {ExitCode::journal, path + ": " + last_error().message()};
  auto words = command();
  auto variables = harmless_environment();
  variables.insert(variables.end(), {"LISTEN_FDS=2", "LISTEN_FDNAMES=callback:admin",
                                     "LISTEN_PID=" + std::string(20, ' ')});
  Birth birth{pointers_to(words), pointers_to(variables), nullptr, {callbacks, admin}, log,
              ::getpid(),         options_.signals};
  birth.process_number = variables.back().data() + std::string_view("LISTEN_PID=").size();
  process_ = ::fork();
  if (process_ == 0) become(birth);
  ::close(log);
  if (process_ < 0) return {ExitCode::unavailable, "fork: " + last_error().message()};
  return {};
}

Failure Instance::wait_until_ready(const std::function<bool()>& cancelled) {
  const auto end = std::chrono::steady_clock::now() + start_limit;
  while (std::chrono::steady_clock::now() < end && !cancelled()) {
    if (has_ended()) return {ExitCode::unavailable, "the private instance ended: " + last_words()};
    if (exchange(admin(), get_request(admin(), "/readyz"), 1s).status == 200) return {};
    std::this_thread::sleep_for(10ms);
  }
  if (cancelled()) return {};
  return {ExitCode::unavailable, "the private instance does not become ready: " + last_words()};
}

bool Instance::has_ended() {
  if (::waitpid(process_, nullptr, WNOHANG) != process_) return false;
  process_ = -1;
  return true;
}

std::string Instance::last_words() const {
  std::ifstream log(options_.directory + "/log");
  std::string last = "it said nothing";
  for (std::string line; std::getline(log, line);) last = line;
  return last;
}

}  // namespace postofficed::bench
