#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

#include "commands/self_test/checks.hpp"
#include "commands/self_test/trial_queue.hpp"
#include "postoffice/error.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;

std::string last_error() { return std::error_code(errno, std::system_category()).message(); }

bool make_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool good = ::write(file, path.data(), path.size()) > 0 && ::fdatasync(file) == 0;
  ::close(file);
  return good;
}

bool sync_directory(const std::string& path) {
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool good = ::fsync(directory) == 0;
  ::close(directory);
  return good;
}

/// As a file of the queue is made: under another name, synced, renamed over what may be there.
std::string try_renames(const std::string& directory) {
  const auto from = directory + "/name.tmp";
  const auto to = directory + "/name";
  for (int round = 0; round < 2; ++round) {
    if (!make_file(from)) return "a file cannot be made and synced: " + last_error();
    if (::rename(from.c_str(), to.c_str()) != 0) return "a rename fails: " + last_error();
    if (!sync_directory(directory)) return "a directory cannot be synced: " + last_error();
    if (::access(from.c_str(), F_OK) == 0) return "a renamed file is still there";
  }
  if (::unlink(to.c_str()) != 0) return "a file cannot be removed: " + last_error();
  return {};
}

/// Another process has the queue open, then it dies.
std::string try_lock(const std::string& directory) {
  {
    Child child([&](const Child::Tell& tell) {
      TrialQueue trial(directory);
      tell({trial.error() ? Report::Kind::refused : Report::Kind::accepted, 0, 0});
      for (;;) ::pause();
    });
    const auto held = child.next(10s);
    if (!held || held->kind != Report::Kind::accepted) return "a queue cannot be made";
    if (TrialQueue(directory).error().code != postoffice::Error::locked) {
      return "two processes have the same queue open: locks do not work here";
    }
  }
  const auto error = TrialQueue(directory).error();
  return error ? "the lock of a dead process stays: " + error.text() : std::string();
}

}  // namespace

Finding check_names(const std::string& directory) {
  for (const auto attempt : {try_renames, try_lock}) {
    const auto problem = attempt(directory);
    if (!problem.empty()) return {Finding::Result::failed, problem};
  }
  return {Finding::Result::ok,
          "renames, syncs of directories, and the lock against a second daemon work"};
}

}  // namespace postofficed::self_test
