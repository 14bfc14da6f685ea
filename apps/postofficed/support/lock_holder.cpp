#include "support/lock_holder.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace postofficed {
namespace {

std::set<std::string> inodes_of(const std::string& directory) {
  std::set<std::string> inodes;
  std::error_code error;
  struct stat own {};
  if (stat(directory.c_str(), &own) == 0) inodes.insert(std::to_string(own.st_ino));
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    struct stat status {};
    if (stat(entry->path().c_str(), &status) == 0) inodes.insert(std::to_string(status.st_ino));
  }
  return inodes;
}

std::string name_of(const std::string& process) {
  std::ifstream file("/proc/" + process + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

}  // namespace

// A line of /proc/locks: "3: FLOCK  ADVISORY  WRITE 4711 fd:01:1311 0 EOF", where 1311 is the
// inode.
std::string lock_holder(const std::string& directory) {
  const auto inodes = inodes_of(directory);
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    std::istringstream fields(line);
    std::string number, type, mode, access, process, file;
    fields >> number >> type >> mode >> access >> process >> file;
    if (inodes.count(file.substr(file.rfind(':') + 1)) == 0) continue;
    const auto name = name_of(process);
    if (!name.empty()) return "process " + process + " (" + name + ")";
  }
  return {};
}

}  // namespace postofficed
