#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "commands/self_test/checks.hpp"
#include "commands/validate/trials.hpp"
#include "support/lock_holder.hpp"

namespace postofficed {
namespace {

namespace fs = std::filesystem;
using Result = Trial::Result;

/// The directory, or the nearest one above it that exists.
std::string nearest_existing(const std::string& path) {
  fs::path place = fs::absolute(path);
  std::error_code error;
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  return place.string();
}

/// Writes a byte and syncs it. The file has no name, or loses it at once.
int write_once(const std::string& directory) {
  std::string name = directory + "/.validate-XXXXXX";
  int file = open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) {
    file = mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) return errno;
    unlink(name.c_str());
  }
  const bool good = write(file, "x", 1) == 1 && fdatasync(file) == 0;
  const int error = good ? 0 : errno;
  close(file);
  return error;
}

Trial try_writing(const std::string& path, const std::string& place) {
  Trial trial{"data-dir", "write in " + path, Result::ok,
              place == fs::absolute(path).string() ? "writable" : "is still to be created"};
  const int error = write_once(place);
  if (error == 0) return trial;
  trial.result = error == ENOSPC || error == EDQUOT ? Result::unreachable : Result::wrong;
  trial.found = place + ": " + std::error_code(error, std::system_category()).message();
  trial.next = trial.result == Result::wrong
                   ? "let this user write there, or name another --data-dir"
                   : "make room";
  return trial;
}

Trial try_file_system(const std::string& path, const std::string& place) {
  using Finding = self_test::Finding;
  const auto finding = self_test::check_file_system(place);
  Trial trial{"data-dir", "look at the file system of " + path, Result::ok, finding.text};
  if (finding.result == Finding::Result::ok) return trial;
  trial.result = finding.result == Finding::Result::warning ? Result::warning : Result::wrong;
  trial.next = "postofficed self-test " + place + " tells more";
  return trial;
}

// Whose it is: a daemon that runs is the usual case, so this is no mistake.
Trial try_lock(const std::string& directory) {
  Trial trial{"queue", "look for the lock of file:" + directory, Result::ok, "not in use"};
  const auto holder = lock_holder(directory);
  if (holder.empty()) return trial;
  trial.result = Result::warning;
  trial.found = "in use by " + holder;
  trial.next = "if that is not the daemon itself, give this one a --data-dir of its own";
  return trial;
}

}  // namespace

std::vector<Trial> try_data_directory(const Options& options) {
  const auto place = nearest_existing(options.data_dir);
  std::vector<Trial> trials{try_writing(options.data_dir, place),
                            try_file_system(options.data_dir, place)};
  if (!options.queue.directory.empty()) trials.push_back(try_lock(options.queue.directory));
  return trials;
}

}  // namespace postofficed
