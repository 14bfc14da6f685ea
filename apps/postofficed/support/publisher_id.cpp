#include "support/publisher_id.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/random.hpp"

namespace postofficed {
namespace {

constexpr std::size_t digits = 16;

bool fail(const std::string& path, const char* reason, std::string& problem) {
  problem = path + ": " + reason;
  return false;
}

bool sync_directory(const std::string& directory) {
  const int place = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) return false;
  const bool synced = fsync(place) == 0;
  close(place);
  return synced;
}

std::uint64_t new_number() {
  const auto number = postoffice::random_uint64();
  return number != 0 ? number : 1;  // 0 means "none" to others
}

}  // namespace

PublisherId::~PublisherId() {
  if (file_ >= 0) close(file_);
}

bool PublisherId::open(const std::string& directory, std::string& problem) {
  const std::string path = directory + "/publisher";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) return fail(path, std::strerror(errno), problem);
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    return fail(path, held ? "another process publishes from here" : std::strerror(errno), problem);
  }
  return read(path, problem) && (value_ != 0 || make(directory, path, problem));
}

// A file that is too short is one whose writing was cut off: its number was never used.
bool PublisherId::read(const std::string& path, std::string& problem) {
  char text[digits + 1];
  const auto length = pread(file_, text, sizeof text, 0);
  if (length < 0) return fail(path, std::strerror(errno), problem);
  if (length < static_cast<ssize_t>(sizeof text)) return true;
  const auto end = std::from_chars(text, text + digits, value_, 16);
  if (end.ptr != text + digits || text[digits] != '\n' || value_ == 0) {
    return fail(path, "is no number of a publisher", problem);
  }
  return true;
}

bool PublisherId::make(const std::string& directory, const std::string& path,
                       std::string& problem) {
  const auto number = new_number();
  char text[digits + 2];
  std::snprintf(text, sizeof text, "%016llx\n", static_cast<unsigned long long>(number));
  const bool written = pwrite(file_, text, digits + 1, 0) == static_cast<ssize_t>(digits + 1);
  if (!written || fsync(file_) != 0 || !sync_directory(directory)) {
    return fail(path, std::strerror(errno), problem);
  }
  value_ = number;
  return true;
}

}  // namespace postofficed
