// A seam inside the journal: the few operations that it needs of a file system. Tests run the very
// same journal on a simulated disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/result.hpp"

namespace postoffice::journal {

/// Whether a file can still be written to once the file system is full.
enum class Reserve {
  kept,         ///< every byte can be written again and again
  first_write,  ///< only once: what is written later needs new room
  none,         ///< it needs new room for every write
  unknown       ///< the file system does not say
};

/// One open file. Closed when destroyed.
class File {
 public:
  virtual ~File() = default;

  /// May write or read less than asked for, like the system call. 0 read: the end of the file.
  virtual std::size_t write_some(std::span<const std::byte> data, std::uint64_t offset,
                                 std::error_code& error) = 0;
  virtual std::size_t read_some(std::span<std::byte> into, std::uint64_t offset,
                                std::error_code& error) = 0;
  /// Afterwards the data of the file, and its size, are on stable storage.
  virtual std::error_code sync_data() = 0;
  /// Reserves space for `size` bytes; those not written yet read as zeros.
  virtual std::error_code allocate(std::uint64_t size) = 0;
  virtual std::uint64_t size() const = 0;
  /// The reserve of the bytes behind `from`.
  virtual Reserve reserve(std::uint64_t /*from*/) const { return Reserve::unknown; }
  /// Whether opening this path now gives this very file. True also if that cannot be determined.
  virtual bool is_at(const std::string& /*path*/) const { return true; }
};

/// A directory that is locked for us until this is destroyed.
class DirectoryLock {
 public:
  enum class State {
    held,
    removed,  ///< the directory is gone, and nothing in it can come back
    moved,    ///< it is somewhere else, or something else is in its place
    shared    ///< somebody else has it, too
  };

  virtual ~DirectoryLock() = default;

  /// Whether the lock still holds. Repairs what can be repaired without risk.
  virtual State look() { return State::held; }
};

class FileSystem {
 public:
  enum class Mode { read, write, create };  ///< create: to write, must not exist yet

  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Mode mode) = 0;
  /// Error::locked if the directory is locked already, by this process or another.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) = 0;
  virtual std::error_code rename(const std::string& from, const std::string& to) = 0;
  virtual std::error_code remove(const std::string& path) = 0;
  /// Names created, renamed or removed in the directory are on stable storage afterwards.
  virtual std::error_code sync_directory(const std::string& path) = 0;
  /// With its parents; no error if it is there.
  virtual std::error_code create_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual std::uint64_t random_number() = 0;

  struct Space {
    std::uint64_t free;  ///< bytes that we may still take
    std::uint64_t size;  ///< bytes in all
  };
  /// Of the file system that the directory is on. The maximum if that cannot be determined, or if
  /// there is no limit.
  virtual Space space(const std::string& path) = 0;
};

/// The system's. One object for the whole process.
FileSystem& posix_file_system();

/// Writes everything, in spite of signals and short writes.
std::error_code write_all(File& file, std::span<const std::byte> data, std::uint64_t offset);

/// Returns how much was read: less than asked for only at the end of the file or with an error.
std::size_t read_all(File& file, std::span<std::byte> into, std::uint64_t offset,
                     std::error_code& error);

/// A directory of a file system: where one journal lives.
struct Storage {
  FileSystem& file_system;
  std::string directory;

  std::string path(const std::string& name) const { return directory + "/" + name; }
  Result<std::unique_ptr<File>> open(const std::string& name, FileSystem::Mode mode) const {
    return file_system.open(path(name), mode);
  }
  std::error_code rename(const std::string& from, const std::string& to) const {
    return file_system.rename(path(from), path(to));
  }
  std::error_code remove(const std::string& name) const { return file_system.remove(path(name)); }
  std::error_code sync() const { return file_system.sync_directory(directory); }
};

}  // namespace postoffice::journal
