#include "sqlite/files.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

namespace postoffice::sqlite {
namespace {

constexpr const char* suffixes[] = {"", "-wal", "-shm"};

/// Where SQLite locks the database file: every process that has it open in WAL mode holds a shared
/// lock there.
constexpr off_t first_locked = 0x40000000;
constexpr off_t locked_bytes = 512;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  const int number_;
};

bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0 || errno == ENOENT;
}

std::string name_of(uid_t user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> room(4096);
  (void)::getpwuid_r(user, &entry, room.data(), room.size(), &found);
  return found ? std::string(found->pw_name) : "user " + std::to_string(user);
}

bool copy(int from, int to) {
  std::vector<char> bytes(1 << 16);
  for (;;) {
    const auto count = ::read(from, bytes.data(), bytes.size());
    if (count <= 0) return count == 0 && ::fsync(to) == 0;
    if (::write(to, bytes.data(), static_cast<std::size_t>(count)) != count) return false;
  }
}

/// Replaces the write-ahead log by a copy that this user owns.
bool replace_log(const std::string& log, mode_t mode) {
  const auto fresh = log + ".postoffice";
  (void)::unlink(fresh.c_str());
  const Descriptor from(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
  const Descriptor to(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0777));
  const bool good = from.valid() && to.valid() && copy(from.get(), to.get()) &&
                    ::rename(fresh.c_str(), log.c_str()) == 0;
  if (!good) (void)::unlink(fresh.c_str());
  return good;
}

}  // namespace

Files::Files(std::string path) : path_(std::move(path)) {}

std::optional<Files::Identity> Files::identity_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return Identity{status.st_dev, status.st_ino};
}

void Files::remember() {
  for (std::size_t i = 0; i < known_.size(); ++i) known_[i] = identity_of(path_ + suffixes[i]);
}

bool Files::is_gone(std::size_t index) const {
  return known_[index] && identity_of(path_ + suffixes[index]) != known_[index];
}

Files::Gone Files::gone() const {
  if (is_gone(0)) return Gone::database;
  return is_gone(1) || is_gone(2) ? Gone::beside : Gone::nothing;
}

std::string Files::first_gone() const {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (is_gone(i)) return path_ + suffixes[i];
  }
  return {};
}

bool Files::others_wrote() const {
  struct stat status {};
  return is_gone(1) && ::stat((path_ + suffixes[1]).c_str(), &status) == 0 && status.st_size > 0;
}

std::string whose_are_in_the_way(const std::string& path) {
  const auto own = name_of(::geteuid());
  std::string text;
  for (const char* suffix : suffixes) {
    const auto name = path + suffix;
    struct stat status {};
    if (::stat(name.c_str(), &status) != 0 || may_write(name)) continue;
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    text += (text.empty() ? "" : "; ") + name + " belongs to " + name_of(status.st_uid) +
            ", mode " + mode;
  }
  if (!text.empty()) text += "; this process is " + own + ": chown " + own + " these files";
  return text;
}

/// An exclusive lock where SQLite locks proves that no process has the database open, and prevents
/// that until the files are replaced. Removing the log's index is then safe, since SQLite rebuilds
/// it from the log.
std::string take_over_leftovers(const std::string& path) {
  const auto log = path + suffixes[1];
  const auto index = path + suffixes[2];
  if (may_write(log) && may_write(index)) return {};
  const Descriptor database(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = first_locked;
  lock.l_len = locked_bytes;
  struct stat status {};
  if (!database.valid() || ::fstat(database.get(), &status) != 0 ||
      ::fcntl(database.get(), F_OFD_SETLK, &lock) != 0) {
    return {};
  }
  if (!may_write(log) && !replace_log(log, status.st_mode)) return {};
  if (::unlink(index.c_str()) != 0 && errno != ENOENT) return {};
  return "files of another user beside it, " + log + " and its index, were taken over with " +
         "their content";
}

}  // namespace postoffice::sqlite
