// A directory for a while.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace postofficed {

/// Made under a name that nobody has, and removed with all that is in it.
class WorkDirectory {
 public:
  /// In `parent`, which is left as it was; the name begins with `prefix`.
  WorkDirectory(const std::string& parent, const std::string& prefix)
      : path_(parent + "/" + prefix + "XXXXXX") {
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

}  // namespace postofficed
