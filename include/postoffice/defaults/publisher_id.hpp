// The number by which the workers of a cluster know a publisher.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>

namespace postoffice {

/// Lives in a file, `publisher`, of a directory, and holds that file's lock as long as it lives:
/// two publishers with one number would answer for each other's callbacks. Rows wait for every
/// number that has not said goodbye, so keep the directory as you keep a journal.
///
/// Threads: one at a time.
class PublisherId {
 public:
  PublisherId() = default;
  ~PublisherId();
  PublisherId(const PublisherId&) = delete;
  PublisherId& operator=(const PublisherId&) = delete;

  /// Reads the number, or makes a random one; it is on stable storage when this returns. The
  /// directory must be there. Once. Errors, with a `message` for people: Error::locked,
  /// Error::corrupt, the system's.
  std::error_code open(const std::string& directory, std::string& message);

  std::uint64_t value() const { return value_; }  ///< 0 until it was opened
  const std::string& path() const { return path_; }

 private:
  std::error_code read(std::string& message);
  std::error_code make(const std::string& directory, std::string& message);

  int file_ = -1;
  std::uint64_t value_ = 0;
  std::string path_;
};

}  // namespace postoffice
