// A control group with little memory, of either version of the kernel's interface.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "support/process.hpp"

namespace postoffice::testing {

class MemoryGroup {
 public:
  explicit MemoryGroup(std::int64_t bytes) {
    const bool old = std::filesystem::exists("/sys/fs/cgroup/memory/cgroup.procs");
    const std::string root = old ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
    const auto path = root + "/" + name_;
    if (!old) std::ofstream(root + "/cgroup.subtree_control") << "+memory" << std::flush;
    std::error_code error;
    if (!std::filesystem::create_directory(path, error)) {
      problem_ = "no control group can be made: " + error.message();
      return;
    }
    path_ = path;
    const auto limit = path + (old ? "/memory.limit_in_bytes" : "/memory.max");
    if (!std::filesystem::exists(limit)) {
      problem_ = "control groups here have no say on memory";
    } else if (!(std::ofstream(limit) << bytes << std::flush)) {
      problem_ = "the memory of a control group cannot be limited";
    }
  }
  ~MemoryGroup() {
    // A process leaves it some time after its end.
    if (!path_.empty()) eventually([&] { return rmdir(path_.c_str()) == 0; });
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  /// Why there is none; empty: there is.
  const std::string& problem() const { return problem_; }

  /// The calling process moves in.
  void enter() const { std::ofstream(path_ + "/cgroup.procs") << getpid() << std::flush; }

  bool holds(pid_t process) const {
    const auto groups = content_of("/proc/" + std::to_string(process) + "/cgroup");
    return groups.find(name_) != std::string::npos;
  }

 private:
  const std::string name_ = "postoffice-test-" + std::to_string(getpid());
  std::string path_;
  std::string problem_;
};

}  // namespace postoffice::testing
