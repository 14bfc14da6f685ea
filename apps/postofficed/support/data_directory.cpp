#include "support/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace postofficed {
namespace {

namespace fs = std::filesystem;

bool fail(const std::string& path, const char* reason, std::string& problem) {
  problem = "data directory " + path + ": " + reason;
  return false;
}

}  // namespace

bool prepare_data_directory(const std::string& path, std::string& problem) {
  const fs::path directory(path);
  std::error_code error;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(path, std::strerror(errno), problem);
  }
  return check_data_directory(path, problem);
}

bool check_data_directory(const std::string& path, std::string& problem) {
  fs::path place = fs::absolute(path);
  struct stat status {};
  while (stat(place.c_str(), &status) != 0) {
    if (errno != ENOENT || !place.has_relative_path()) {
      return fail(path, std::strerror(errno), problem);
    }
    place = place.parent_path();
  }
  if (!S_ISDIR(status.st_mode)) return fail(path, std::strerror(ENOTDIR), problem);
  if (access(place.c_str(), W_OK | X_OK) != 0) return fail(path, std::strerror(errno), problem);
  return true;
}

}  // namespace postofficed
