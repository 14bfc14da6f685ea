#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "commands/self_test/checks.hpp"

namespace postofficed::self_test {
namespace {

constexpr std::uint64_t space_wanted = 256
                                       << 20;  // the two files a daemon begins with, and as much
constexpr std::uint64_t names_wanted = 100;

/// The kernel writes spaces and their like as \040.
std::string unescape(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size();
    plain += escaped ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
    if (escaped) i += 3;
  }
  return plain;
}

bool lies_in(const std::string& path, const std::string& mount) {
  if (mount == "/") return true;
  return path.rfind(mount, 0) == 0 && (path.size() == mount.size() || path[mount.size()] == '/');
}

/// The type of what is mounted there. A line of mountinfo:
/// "36 35 98:0 /sub /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw".
std::string type_of(const std::string& directory) {
  std::error_code error;
  const auto path = std::filesystem::canonical(directory, error).string();
  std::ifstream mounts("/proc/self/mountinfo");
  std::string type = "unknown";
  std::size_t longest = 0;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped, mount, dash;
    fields >> skipped >> skipped >> skipped >> skipped >> mount;
    while (fields >> dash && dash != "-") continue;
    mount = unescape(mount);
    if (mount.size() < longest || !lies_in(path, mount)) continue;
    longest = mount.size();  // of two at one place the later one is on top
    fields >> type;
  }
  return type;
}

/// Why it may not keep what was synced; empty if nothing is known against it.
std::string objection_to(const std::string& type) {
  const auto is_one_of = [&](auto... names) { return ((type == names) || ...); };
  if (is_one_of("tmpfs", "ramfs")) {
    return "this is memory; nothing in it survives a restart of the machine";
  }
  if (type == "overlay") {
    return "a container's own layer, which is deleted with the container; use a volume";
  }
  const bool remote = is_one_of("cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs", "lustre") ||
                      type.rfind("nfs", 0) == 0 || type.rfind("fuse", 0) == 0;
  if (remote)
    return "the server or program behind it decides what survives, and whether locks work";
  return {};
}

std::string in_units(std::uint64_t bytes) {
  const auto mebibytes = bytes >> 20;
  return mebibytes < 10'240 ? std::to_string(mebibytes) + " MiB"
                            : std::to_string(mebibytes >> 10) + " GiB";
}

}  // namespace

Finding check_file_system(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) {
    return {Finding::Result::failed,
            "cannot be examined: " + std::error_code(errno, std::system_category()).message()};
  }
  const auto type = type_of(directory);
  const auto free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  const bool counts_blocks = status.f_blocks != 0;  // memory without a limit counts none
  std::string text = type + ", " + (counts_blocks ? in_units(free) + " free" : "without a limit");
  // Some make inodes as they need them and count none.
  const bool counts_inodes = status.f_files != 0;
  if (counts_inodes) text += ", " + std::to_string(status.f_favail) + " inodes free";
  std::string objection = objection_to(type);
  if (counts_blocks && free < space_wanted)
    objection = "little space: less than " + in_units(space_wanted);
  if (counts_inodes && status.f_favail < names_wanted) objection = "few inodes are left";
  if (objection.empty()) return {Finding::Result::ok, text};
  return {Finding::Result::warning, text + ": " + objection};
}

}  // namespace postofficed::self_test
