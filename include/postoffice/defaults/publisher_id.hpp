// The number by which the workers of a cluster know a publisher.
#pragma once

#include <cstdint>
#include <string>

#include "postoffice/result.hpp"

namespace postoffice {

/// The number is kept in the file `publisher` of a directory, and this object holds the file's
/// lock: two publishers with one number would vouch for each other's callbacks. Deletes wait for
/// every number that has not said goodbye, so protect the directory as you would a journal.
///
/// Threads: one at a time.
class PublisherId {
 public:
  PublisherId() = default;
  ~PublisherId();
  PublisherId(const PublisherId&) = delete;
  PublisherId& operator=(const PublisherId&) = delete;

  /// Reads the number, or makes a random one; it is on stable storage when this returns. The
  /// directory must exist. Call it once. Errors: Error::locked, Error::corrupt, the system's.
  Failure open(const std::string& directory);

  std::uint64_t value() const { return value_; }  ///< 0 until opened
  const std::string& path() const { return path_; }

 private:
  Failure read();
  Failure make(const std::string& directory);

  int file_ = -1;
  std::uint64_t value_ = 0;
  std::string path_;
};

}  // namespace postoffice
