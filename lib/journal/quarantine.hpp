// Keeps copies of what recovery skips, for people to look at.
#pragma once

#include <cstdint>
#include <string>

#include "journal/file_system.hpp"

namespace postoffice::journal {

/// Best effort throughout: a full disk must not keep the queue from opening. Doing it again gives
/// the same files.
class Quarantine {
 public:
  explicit Quarantine(const Storage& storage) : storage_(storage) {}

  /// Copies [begin, end) of a file, at most a mebibyte of it, and at most 64 in all.
  void copy(const std::string& name, std::uint64_t begin, std::uint64_t end);

  /// Moves a whole file that is not valid out of the way.
  std::error_code move(const std::string& name);

 private:
  static constexpr std::uint64_t piece_max = 1 << 20;

  std::error_code make_directory();

  const Storage& storage_;
  std::uint64_t left_ = 64 * piece_max;
};

}  // namespace postoffice::journal
