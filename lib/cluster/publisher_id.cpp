#include "postoffice/defaults/publisher_id.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/last_error.hpp"
#include "base/random.hpp"
#include "postoffice/error.hpp"

namespace postoffice {
namespace {

constexpr std::size_t digits = 16;

Failure fail(const std::string& path, std::error_code error, const std::string& reason = {}) {
  return {error, path + ": " + (reason.empty() ? error.message() : reason)};
}

bool sync_directory(const std::string& directory) {
  const int place = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (place < 0) return false;
  const bool synced = fsync(place) == 0;
  close(place);
  return synced;
}

std::uint64_t new_number() {
  const auto number = random_uint64();
  return number != 0 ? number : 1;  // 0 means "none" to others
}

}  // namespace

PublisherId::~PublisherId() {
  if (file_ >= 0) close(file_);
}

Failure PublisherId::open(const std::string& directory) {
  path_ = directory + "/publisher";
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) return fail(path_, last_error());
  if (flock(file_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(path_, last_error());
    return fail(path_, Error::locked, "another process publishes from here");
  }
  if (auto failure = read(); failure || value_ != 0) return failure;
  return make(directory);
}

// A file that is too short was not written to its end, so its number was never used.
Failure PublisherId::read() {
  char text[digits + 1];
  const auto length = pread(file_, text, sizeof text, 0);
  if (length < 0) return fail(path_, last_error());
  if (length < static_cast<ssize_t>(sizeof text)) return {};
  const auto end = std::from_chars(text, text + digits, value_, 16);
  if (end.ptr != text + digits || text[digits] != '\n' || value_ == 0) {
    return fail(path_, Error::corrupt, "does not contain a publisher's number");
  }
  return {};
}

Failure PublisherId::make(const std::string& directory) {
  const auto number = new_number();
  char text[digits + 2];
  std::snprintf(text, sizeof text, "%016llx\n", static_cast<unsigned long long>(number));
  const bool written = pwrite(file_, text, digits + 1, 0) == static_cast<ssize_t>(digits + 1);
  if (!written || fsync(file_) != 0 || !sync_directory(directory)) {
    return fail(path_, last_error());
  }
  value_ = number;
  return {};
}

}  // namespace postoffice
