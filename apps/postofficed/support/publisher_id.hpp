// The number by which the workers know this publisher.
#pragma once

#include <cstdint>
#include <string>

namespace postofficed {

/// Lives in a file of the data directory, and holds that file's lock: two publishers with one
/// number would answer for each other's callbacks.
class PublisherId {
 public:
  PublisherId() = default;
  ~PublisherId();
  PublisherId(const PublisherId&) = delete;
  PublisherId& operator=(const PublisherId&) = delete;

  /// Reads the number, or makes a random one; it is on the disk before it is used. False with a
  /// `problem` for people.
  bool open(const std::string& directory, std::string& problem);

  std::uint64_t value() const { return value_; }

 private:
  bool read(const std::string& path, std::string& problem);
  bool make(const std::string& directory, const std::string& path, std::string& problem);

  int file_ = -1;
  std::uint64_t value_ = 0;
};

}  // namespace postofficed
