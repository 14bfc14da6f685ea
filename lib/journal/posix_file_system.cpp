#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/last_error.hpp"
#include "base/random.hpp"
#include "journal/posix_parts.hpp"
#include "postoffice/error.hpp"

namespace postoffice::journal {
namespace {

std::error_code check(int result) { return result == 0 ? std::error_code{} : last_error(); }

class PosixFile final : public File {
 public:
  explicit PosixFile(int descriptor) : descriptor_(descriptor) {}
  ~PosixFile() override { ::close(descriptor_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  std::size_t write_some(std::span<const std::byte> data, std::uint64_t offset,
                         std::error_code& error) override {
    return done(::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset)), error);
  }

  std::size_t read_some(std::span<std::byte> into, std::uint64_t offset,
                        std::error_code& error) override {
    return done(::pread(descriptor_, into.data(), into.size(), static_cast<off_t>(offset)), error);
  }

  // Not repeated on EINTR or any other error: after a failure the kernel may call lost pages clean.
  std::error_code sync_data() override { return check(::fdatasync(descriptor_)); }

  std::error_code allocate(std::uint64_t size) override {
    const int failure = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
    return {failure, std::system_category()};
  }

  std::uint64_t size() const override {
    struct stat status {};
    return ::fstat(descriptor_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }

  Reserve reserve(std::uint64_t from) const override { return posix_reserve(descriptor_, from); }

  bool is_at(const std::string& path) const override { return is_same_file(descriptor_, path); }

 private:
  static std::size_t done(ssize_t count, std::error_code& error) {
    error = count < 0 ? last_error() : std::error_code{};
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

  const int descriptor_;
};

int flags_of(FileSystem::Mode mode) {
  switch (mode) {
    case FileSystem::Mode::read: return O_RDONLY;
    case FileSystem::Mode::write: return O_RDWR;
    case FileSystem::Mode::create: return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

Result<std::unique_ptr<File>> open_file(const std::string& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) return last_error();
  if ((flags & O_EXCL) != 0) ask_for_overwriting(descriptor);
  return std::make_unique<PosixFile>(descriptor);
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) override {
    return open_file(path, flags_of(mode));
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) override {
    return lock_posix_directory(directory);
  }

  std::error_code rename(const std::string& from, const std::string& to) override {
    return check(::rename(from.c_str(), to.c_str()));
  }

  std::error_code remove(const std::string& path) override { return check(::unlink(path.c_str())); }

  std::error_code sync_directory(const std::string& path) override {
    std::error_code error;
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return last_error();
    if (::fsync(descriptor) != 0) error = last_error();
    ::close(descriptor);
    return error;
  }

  std::error_code create_directory(const std::string& path) override {
    if (path.empty() || ::mkdir(path.c_str(), 0700) == 0) return {};
    if (errno == EEXIST) {
      struct stat status {};
      if (::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode))
        errno = ENOTDIR;
      else
        return {};
    }
    const auto slash = path.find_last_of('/');
    if (errno != ENOENT || slash == std::string::npos || slash == 0) return last_error();
    if (const auto error = create_directory(path.substr(0, slash))) return error;
    return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST ? std::error_code{} : last_error();
  }

  Result<std::vector<std::string>> list(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return last_error();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
    ::closedir(directory);
    return names;
  }

  Space space(const std::string& path) override {
    struct statvfs status {};
    if (::statvfs(path.c_str(), &status) != 0) return {~0ull, ~0ull};
    // Memory without a limit (ramfs, tmpfs with size=0) counts no blocks.
    if (status.f_blocks == 0) return {~0ull, ~0ull};
    const std::uint64_t block = status.f_frsize;
    return {status.f_bavail * block, status.f_blocks * block};
  }

  std::uint64_t random_number() override { return random_uint64(); }
};

}  // namespace

FileSystem& posix_file_system() {
  static PosixFileSystem file_system;
  return file_system;
}

std::error_code write_all(File& file, std::span<const std::byte> data, std::uint64_t offset) {
  while (!data.empty()) {
    std::error_code error;
    const auto count = file.write_some(data, offset, error);
    if (error == std::errc::interrupted) continue;
    if (error) return error;
    if (count == 0) return std::make_error_code(std::errc::io_error);
    data = data.subspan(count);
    offset += count;
  }
  return {};
}

std::size_t read_all(File& file, std::span<std::byte> into, std::uint64_t offset,
                     std::error_code& error) {
  std::size_t total = 0;
  error.clear();
  while (total < into.size()) {
    const auto count = file.read_some(into.subspan(total), offset + total, error);
    if (error == std::errc::interrupted) continue;
    if (error || count == 0) break;
    total += count;
  }
  return total;
}

}  // namespace postoffice::journal
