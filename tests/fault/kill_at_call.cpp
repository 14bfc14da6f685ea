// Runs a program and kills it with SIGKILL at its N-th system call that changes a file or uses a
// socket, counted over all of its threads:
//
//   kill_at_call N before|after REPORT PROGRAM [ARGUMENT…]
//
// N = 0 only counts. REPORT gets "calls <number>" and, if it came to it, "killed at <call>". Exits
// as the program does, 128 + the signal if one ended it; 77 if it may not trace. (strace counts
// each thread for itself, so that the calls of the quieter threads cannot be reached with it.)
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

namespace {

const std::map<std::uint64_t, const char*> counted_calls{
    {SYS_write, "write"},         {SYS_writev, "writev"},       {SYS_pwrite64, "pwrite64"},
    {SYS_fsync, "fsync"},         {SYS_fdatasync, "fdatasync"}, {SYS_openat, "openat"},
    {SYS_rename, "rename"},       {SYS_renameat, "renameat"},   {SYS_renameat2, "renameat2"},
    {SYS_unlink, "unlink"},       {SYS_unlinkat, "unlinkat"},   {SYS_mkdir, "mkdir"},
    {SYS_fallocate, "fallocate"}, {SYS_ftruncate, "ftruncate"}, {SYS_flock, "flock"},
    {SYS_accept4, "accept4"},     {SYS_recvfrom, "recvfrom"},   {SYS_recvmsg, "recvmsg"},
    {SYS_sendto, "sendto"},       {SYS_sendmsg, "sendmsg"},     {SYS_connect, "connect"},
    {SYS_listen, "listen"}};

pid_t program = -1;

void forward(int number) { kill(program, number); }

/// The many equal writes that fill a new file with zeros: one in 32 stands for all.
bool one_of_many(const __ptrace_syscall_info& info) {
  static long count = 0;
  return info.entry.nr == SYS_pwrite64 && info.entry.args[2] >= (128 << 10) && count++ % 32 != 0;
}

/// Its name, or null if it does not count: files that are only read do not, nor does what is said
/// on stdout and stderr.
const char* counted(const __ptrace_syscall_info& info) {
  const auto& call = info.entry;
  const auto found = counted_calls.find(call.nr);
  if (found == counted_calls.end()) return nullptr;
  const bool reads = call.nr == SYS_openat && (call.args[2] & O_ACCMODE) == O_RDONLY;
  const bool says = call.nr == SYS_write && call.args[0] <= STDERR_FILENO;
  return reads || says || one_of_many(info) ? nullptr : found->second;
}

class Tracer {
 public:
  Tracer(long wanted, bool after) : wanted_(wanted), after_(after) {}

  /// Until the program ends; its exit code.
  int run() {
    int status = 0;
    for (;;) {
      const pid_t thread = waitpid(-1, &status, __WALL);
      if (thread < 0 && errno == EINTR) continue;
      if (thread < 0) return exit_code_;
      if (WIFSTOPPED(status)) {
        stopped(thread, status);
      } else if (thread == program) {
        exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
  }

  long calls() const { return calls_; }
  const char* killed_at() const { return killed_at_; }

 private:
  void stopped(pid_t thread, int status) {
    int signal = WSTOPSIG(status);
    if (signal == (SIGTRAP | 0x80)) {
      if (at_call(thread)) return;
      signal = 0;
    } else if (status >> 16 != 0 || signal == SIGTRAP) {
      signal = 0;  // an event of tracing itself
    } else if (signal == SIGSTOP && started_.insert(thread).second) {
      signal = 0;  // how a new thread begins
    }
    ptrace(PTRACE_SYSCALL, thread, nullptr, static_cast<std::uintptr_t>(signal));
  }

  /// Whether this was the one.
  bool at_call(pid_t thread) {
    __ptrace_syscall_info info{};
    ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
    const char* name = nullptr;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY && (name = counted(info)) && ++calls_ == wanted_) {
      killed_at_ = name;
      last_ = thread;
      if (!after_) return end();
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread == last_) {
      return end();
    }
    return false;
  }

  bool end() const {
    kill(program, SIGKILL);
    return true;
  }

  const long wanted_;
  const bool after_;
  long calls_ = 0;
  const char* killed_at_ = nullptr;
  pid_t last_ = -1;
  std::set<pid_t> started_;
  int exit_code_ = 1;
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 64;
  program = fork();
  if (program == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
    execv(arguments[4], arguments + 4);
    _exit(127);
  }
  int status = 0;
  waitpid(program, &status, 0);
  if (!WIFSTOPPED(status)) return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  signal(SIGTERM, forward);
  ptrace(PTRACE_SETOPTIONS, program, nullptr,
         PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL);
  ptrace(PTRACE_SYSCALL, program, nullptr, nullptr);
  Tracer tracer(std::atol(arguments[1]), std::strcmp(arguments[2], "after") == 0);
  const int code = tracer.run();
  if (std::FILE* report = std::fopen(arguments[3], "w")) {
    std::fprintf(report, "calls %ld\n", tracer.calls());
    if (tracer.killed_at()) std::fprintf(report, "killed at %s\n", tracer.killed_at());
    std::fclose(report);
  }
  return code;
}
