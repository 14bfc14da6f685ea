// The lock that keeps two processes from one queue.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "base/last_error.hpp"
#include "journal/posix_parts.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

using namespace std::chrono_literals;

constexpr char lock_name[] = "/LOCK";

/// A program that cleans up old files may lock a directory briefly while it looks through it.
constexpr auto patience = 1s;

class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_;
};

/// flock belongs to the open file, so a second lock by this very process is refused, too.
std::error_code try_lock(int file) {
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return {};
  const int reason = errno;
  return reason == EWOULDBLOCK ? make_error_code(Error::locked)
                               : std::error_code(reason, std::system_category());
}

/// Whether LOCK is locked; false if it does not exist.
bool is_file_locked(const std::string& directory) {
  const Descriptor file(::open((directory + lock_name).c_str(), O_RDWR | O_CLOEXEC));
  return file.valid() && try_lock(file.get()) == Error::locked;
}

Result<Descriptor> lock_file(const std::string& directory) {
  Descriptor file(::open((directory + lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return last_error();
  if (const auto error = try_lock(file.get())) return error;
  return file;
}

/// Some file systems, for example NFS, lock only files: there LOCK has to be enough.
Result<Descriptor> lock_directory(const std::string& directory) {
  Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.valid()) return last_error();
  const auto give_up = std::chrono::steady_clock::now() + patience;
  std::error_code error;
  while ((error = try_lock(file.get())) == Error::locked && !is_file_locked(directory) &&
         std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(20ms);
  }
  if (error == Error::locked) return error;
  return file;
}

/// The directory itself is locked, since it cannot be removed while it holds files. A file in it is
/// locked, too, for earlier versions and for file systems that cannot lock directories.
class PosixDirectoryLock final : public DirectoryLock {
 public:
  PosixDirectoryLock(std::string path, Descriptor directory, Descriptor file)
      : path_(std::move(path)), directory_(std::move(directory)), file_(std::move(file)) {}

  State look() override {
    if (!is_same_file(directory_.get(), path_)) return is_removed() ? State::removed : State::moved;
    if (is_same_file(file_.get(), path_ + lock_name)) return State::held;
    auto again = lock_file(path_);
    if (again)
      file_ = *std::move(again);
    else if (again.error().code == Error::locked)
      return State::shared;
    return State::held;
  }

 private:
  bool is_removed() const {
    struct stat status {};
    return ::fstat(directory_.get(), &status) == 0 && status.st_nlink == 0;
  }

  const std::string path_;
  const Descriptor directory_;
  Descriptor file_;
};

}  // namespace

Result<std::unique_ptr<DirectoryLock>> lock_posix_directory(const std::string& directory) {
  auto opened = lock_directory(directory);
  if (!opened) return std::move(opened).error();
  auto file = lock_file(directory);
  if (!file) return std::move(file).error();
  return std::make_unique<PosixDirectoryLock>(directory, *std::move(opened), *std::move(file));
}

bool is_same_file(int file, const std::string& path) {
  struct stat own {};
  struct stat there {};
  if (::fstat(file, &own) != 0) return true;
  if (::stat(path.c_str(), &there) != 0) return errno != ENOENT && errno != ENOTDIR;
  return own.st_ino == there.st_ino && own.st_dev == there.st_dev;
}

}  // namespace postoffice::journal
