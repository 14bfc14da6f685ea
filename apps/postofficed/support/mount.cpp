#include "support/mount.hpp"

#include <sys/statvfs.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace postofficed {
namespace {

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

}  // namespace

// A line of mountinfo:
// "36 35 98:0 /sub /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw".
Mount find_mount(const std::string& directory) {
  std::error_code error;
  const auto path = std::filesystem::canonical(directory, error).string();
  std::ifstream mounts("/proc/self/mountinfo");
  Mount found;
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string skipped, place, dash;
    fields >> skipped >> skipped >> skipped >> skipped >> place;
    while (fields >> dash && dash != "-") continue;
    place = unescape(place);
    // Of two at one place the later one is on top.
    if (place.size() < found.place.size() || !lies_in(path, place)) continue;
    found.place = place;
    fields >> found.type >> found.device;
    found.device = unescape(found.device);
  }
  return found;
}

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

Result<Space> find_space(const std::string& directory) {
  struct statvfs status {};
  if (::statvfs(directory.c_str(), &status) != 0) {
    return Failure(std::error_code(errno, std::system_category()));
  }
  Space space;
  space.free_bytes = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  space.counts_bytes = status.f_blocks != 0;
  space.free_names = status.f_favail;
  space.counts_names = status.f_files != 0;
  return space;
}

}  // namespace postofficed
