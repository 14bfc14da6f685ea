// A private disk for a test: a file system in a file, whose power can be cut.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/process.hpp"

namespace postoffice::testing {

/// Makes mounts of this process and its children private, so that they end with them, whatever
/// happens.
inline bool private_mounts() {
  static const bool done =
      unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return done;
}

/// In memory if there is enough of it.
inline std::string place_for_images() {
  struct statvfs memory {};
  const bool roomy = statvfs("/dev/shm", &memory) == 0 &&
                     memory.f_bavail * memory.f_frsize > (std::uint64_t{2} << 30);
  return roomy ? "/dev/shm" : std::filesystem::temp_directory_path().string();
}

/// How a power cut treats what the file system's own log holds.
enum class PowerCut : std::uint32_t { log_kept = 1, log_lost = 2 };

class DiskImage {
 public:
  /// `make`: the program that makes the file system, and its arguments.
  DiskImage(std::vector<std::string> make, std::uint64_t bytes, std::string options = {})
      : options_(std::move(options)) {
    problem_ = set_up(std::move(make), bytes);
    if (!problem_.empty() && !said_.empty()) problem_ += ": " + said_;
  }
  ~DiskImage() {
    (void)unmount();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  /// Why there is none; empty: there is.
  const std::string& problem() const { return problem_; }
  const std::string& path() const { return path_; }

  /// From now on nothing reaches the disk; what was not synced before is lost.
  void cut(PowerCut how) const {
    constexpr auto shutdown = _IOR('X', 125, std::uint32_t);
    const int root = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto flag = static_cast<std::uint32_t>(how);
    const int result = ioctl(root, shutdown, &flag);
    close(root);
    REQUIRE_MESSAGE(result == 0, "the power could not be cut");
  }

  /// Nothing may use it any more.
  void power_on_again() {
    REQUIRE(unmount());
    REQUIRE(mount_it());
  }

  /// Writing to this file makes ext4 find an error in itself.
  std::string error_trigger() const {
    struct stat status {};
    if (stat(path_.c_str(), &status) != 0) return {};
    const auto device = "/sys/dev/block/" + std::to_string(major(status.st_dev)) + ":" +
                        std::to_string(minor(status.st_dev));
    std::error_code error;
    const auto target = std::filesystem::read_symlink(device, error);
    return "/sys/fs/ext4/" + target.filename().string() + "/trigger_fs_error";
  }

  bool unmount() {
    if (!mounted_) return true;
    mounted_ = umount(path_.c_str()) != 0;
    return !mounted_;
  }

 private:
  static std::string make_directory() {
    auto name = place_for_images() + "/postoffice-disk-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    return name;
  }

  std::string set_up(std::vector<std::string> make, std::uint64_t bytes) {
    if (geteuid() != 0 || !private_mounts()) return "nothing can be mounted here (as root?)";
    if (access(make.front().c_str(), X_OK) != 0) return make.front() + " is missing";
    const int file = open(image_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool sized = ftruncate(file, static_cast<off_t>(bytes)) == 0;
    close(file);
    make.push_back(image_);
    if (!sized || !run(std::move(make))) return "no file system can be made";
    std::filesystem::create_directory(path_);
    return mount_it() ? "" : "no image can be mounted here";
  }

  bool mount_it() {
    mounted_ =
        run({"/bin/mount", "-o", "loop" + (options_.empty() ? "" : "," + options_), image_, path_});
    return mounted_;
  }

  bool run(std::vector<std::string> command) const {
    Process process(std::move(command));
    const int code = process.exit_code();
    said_ = code == 0 ? "" : process.err().substr(0, process.err().find('\n'));
    return code == 0;
  }

  const std::string options_;
  const std::string directory_ = make_directory();
  const std::string image_ = directory_ + "/image";
  const std::string path_ = directory_ + "/disk";
  std::string problem_;
  mutable std::string said_;
  bool mounted_ = false;
};

}  // namespace postoffice::testing
