#include "support/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace postofficed {
namespace {

namespace fs = std::filesystem;

Failure fail(const std::string& path, int reason) {
  return {ExitCode::journal, "data directory " + path + ": " + std::strerror(reason)};
}

}  // namespace

Failure prepare_data_directory(const std::string& path) {
  const fs::path directory(path);
  std::error_code error;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(path, errno);
  }
  return check_data_directory(path);
}

Failure check_data_directory(const std::string& path) {
  fs::path place = fs::absolute(path);
  struct stat status {};
  while (stat(place.c_str(), &status) != 0) {
    if (errno != ENOENT || !place.has_relative_path()) {
      return fail(path, errno);
    }
    place = place.parent_path();
  }
  if (!S_ISDIR(status.st_mode)) return fail(path, ENOTDIR);
  if (access(place.c_str(), W_OK | X_OK) != 0) return fail(path, errno);
  return {};
}

}  // namespace postofficed
