// `postofficed self-test DIR`: whether the promises can be kept on somebody's disk.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "commands/commands.hpp"
#include "commands/self_test/checks.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using self_test::Finding;

constexpr std::size_t crashes_by_default = 20;
constexpr auto time_for_crashes = 6s;  // by default

/// A directory of our own inside the one to be tested.
class WorkDirectory {
 public:
  explicit WorkDirectory(const std::string& parent)
      : path_(parent + "/postofficed-self-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      error_ = std::error_code(errno, std::system_category());
    }
  }
  ~WorkDirectory() {
    std::error_code ignored;
    if (!error_) std::filesystem::remove_all(path_, ignored);
  }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  std::error_code error() const { return error_; }
  std::string operator/(const char* name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::error_code error_;
};

/// Signals that would end the process wait until a check is over, so that it can clean up.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&held_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&held_, number);
    ::sigprocmask(SIG_BLOCK, &held_, &before_);
  }
  ~HeldSignals() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  /// One has come.
  bool any() const {
    sigset_t pending;
    ::sigpending(&pending);
    return ::sigismember(&pending, SIGINT) || ::sigismember(&pending, SIGTERM) ||
           ::sigismember(&pending, SIGHUP);
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
};

struct Check {
  const char* name;
  std::function<Finding()> run;
};

/// How many were good, not quite, and bad.
struct Tally {
  int ok = 0;
  int warnings = 0;
  int failed = 0;
};

void show(const char* name, const Finding& finding, Tally& tally) {
  const char* word = "ok";
  switch (finding.result) {
    case Finding::Result::ok: ++tally.ok; break;
    case Finding::Result::warning: ++tally.warnings, word = "warning"; break;
    case Finding::Result::failed: ++tally.failed, word = "FAILED"; break;
  }
  std::printf("%-8s %-12s %s\n", word, name, finding.text.c_str());
  std::fflush(stdout);  // a child must not find it in the buffer
}

std::vector<Check> checks_in(const WorkDirectory& work, const Options& options,
                             const std::function<bool()>& cancelled) {
  return {
      {"file system", [&] { return self_test::check_file_system(work.path()); }},
      {"names", [&] { return self_test::check_names(work / "names"); }},
      {"sync", [&] { return self_test::check_sync(work.path()); }},
      {"kill -9",
       [&] {
         self_test::Crashes crashes{options.crashes.value_or(crashes_by_default), {}, cancelled};
         if (!options.crashes) {
           crashes.deadline = std::chrono::steady_clock::now() + time_for_crashes;
         }
         return self_test::check_crashes(work / "crashes", crashes);
       }},
      {"full disk", [&] { return self_test::check_full_disk(work / "full"); }},
      {"reserve", [&] { return self_test::check_reserve(work / "reserve"); }},
  };
}

Failure conclude(const std::string& directory, const Tally& tally) {
  std::printf(
      "not checked: a power cut. kill -9 ends a process, not the machine. Only cutting the power\n"
      "shows whether this disk keeps what it claims to have synced.\n");
  if (tally.failed > 0) {
    std::printf("verdict: FAILED, do not put a queue here\n");
    const auto count = static_cast<std::uint64_t>(tally.failed);
    return {ExitCode::journal,
            "self-test of " + directory + ": " + counted(count, "check") + " failed"};
  }
  if (tally.warnings > 0) {
    std::printf("verdict: works, but see the %s above\n",
                tally.warnings == 1 ? "warning" : "warnings");
  } else {
    std::printf("verdict: good\n");
  }
  return {};
}

}  // namespace

Failure self_test_command(const Options& options) {
  const auto& directory = options.directory;
  const HeldSignals signals;
  const WorkDirectory work(directory);
  if (work.error()) {
    return {ExitCode::journal, "self-test of " + directory + ": " + work.error().message()};
  }
  std::filesystem::create_directory(work / "names");
  Tally tally;
  const std::function<bool()> cancelled = [&] { return signals.any(); };
  for (const auto& check : checks_in(work, options, cancelled)) {
    show(check.name, check.run(), tally);
    if (cancelled()) return {};  // the signal comes through when everything is cleaned up
  }
  return conclude(directory, tally);
}

}  // namespace postofficed
