#include "support/admin_files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "options/config_file.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t token_bytes_min = 16;
constexpr std::size_t token_bytes_max = 4'096;
constexpr auto patience = 2s;  // for a daemon that is just starting

std::string address_file(const std::string& directory) { return directory + "/admin-address"; }
std::string token_file(const std::string& directory) { return directory + "/admin-token"; }

Failure fail(const std::string& path) {
  return {ExitCode::journal, path + ": " + std::strerror(errno)};
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

bool write_all(int file, const std::string& text) {
  return write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

struct flock whole_file(short type) {
  struct flock whole {};
  whole.l_type = type;
  whole.l_whence = SEEK_SET;
  return whole;
}

/// Asks without locking, lest a daemon that starts at this moment finds its file locked.
bool is_locked(int file) {
  auto whole = whole_file(F_RDLCK);
  return fcntl(file, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/// The file has not been removed, or replaced, since it was opened.
bool is_still(int file, const std::string& path) {
  struct stat open {};
  struct stat now {};
  return fstat(file, &open) == 0 && stat(path.c_str(), &now) == 0 && open.st_ino == now.st_ino &&
         open.st_dev == now.st_dev;
}

/// The only line of an address file; empty if the daemon has not written it yet.
std::string read_line(int file) {
  char buffer[512];
  const auto count = pread(file, buffer, sizeof buffer, 0);
  const std::string text(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  const auto end = text.find('\n');
  return end == std::string::npos ? std::string() : text.substr(0, end);
}

}  // namespace

Result<std::string> read_token(const std::string& path) {
  auto text = read_file(path);
  if (!text) return std::move(text).error();
  constexpr const char* white = " \t\r\n";
  text->erase(text->find_last_not_of(white) + 1);
  text->erase(0, std::min(text->find_first_not_of(white), text->size()));
  if (text->size() < token_bytes_min || text->size() > token_bytes_max) {
    return misconfigured(path + " holds a token of " + std::to_string(text->size()) +
                         " bytes: give it " + std::to_string(token_bytes_min) + " to " +
                         std::to_string(token_bytes_max) + ", chosen at random");
  }
  const auto sendable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(text->begin(), text->end(), sendable))
    return misconfigured(path + " holds a token with spaces or other than ASCII characters");
  return text;
}

std::string random_token() {
  unsigned char bytes[32];
  std::size_t have = 0;
  while (have < sizeof bytes) {
    const auto count = getrandom(bytes + have, sizeof bytes - have, 0);
    if (count > 0) have += static_cast<std::size_t>(count);
  }
  std::string text;
  for (const unsigned char byte : bytes) {
    constexpr const char* digits = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

AdminFiles::~AdminFiles() {
  if (lock_ < 0) return;
  unlink(token_file(directory_).c_str());
  unlink(address_file(directory_).c_str());
  close(lock_);
}

Failure AdminFiles::claim(const std::string& directory) {
  const auto path = address_file(directory);
  for (;;) {
    File file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return fail(path);
    auto whole = whole_file(F_WRLCK);
    if (fcntl(file.get(), F_OFD_SETLK, &whole) != 0) {
      if (errno != EAGAIN && errno != EACCES) return fail(path);
      return {ExitCode::journal, path + " belongs to another daemon on the same data directory"};
    }
    // Its last owner may have removed it between open() and the lock.
    if (!is_still(file.get(), path)) continue;
    if (ftruncate(file.get(), 0) != 0) return fail(path);
    directory_ = directory;
    lock_ = file.release();
    return {};
  }
}

// The token first: who sees the address finds the token.
Failure AdminFiles::write(const std::string& address, const std::string& token) {
  const auto path = token_file(directory_);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return fail(path);
  if (!token.empty()) {
    const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0 || !write_all(file.get(), token + "\n")) return fail(path);
  }
  if (!write_all(lock_, address + "\n")) return fail(address_file(directory_));
  return {};
}

Result<std::optional<std::string>> find_daemon(const std::string& directory) {
  const auto path = address_file(directory);
  const auto give_up = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>();
    if (file.get() < 0) return fail(path);
    if (!is_locked(file.get())) return std::optional<std::string>();
    if (auto address = read_line(file.get()); !address.empty()) return std::optional(address);
    if (std::chrono::steady_clock::now() > give_up) {
      return Failure(ExitCode::unavailable,
                     "a daemon has just started on " + directory + ": try again");
    }
    std::this_thread::sleep_for(20ms);
  }
}

Result<std::string> find_token(const std::string& directory) {
  return read_token(token_file(directory));
}

}  // namespace postofficed
