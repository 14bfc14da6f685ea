// What `self-test` finds out about a directory: one function a check, one file each.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace postofficed::self_test {

/// A number, or a name, that a check found.
struct Figure {
  const char* name;
  std::variant<std::uint64_t, double, std::string> value;
};

struct Finding {
  enum class Result { ok, warning, failed };
  Result result = Result::ok;
  std::string text;                  ///< what was found; if it is not good, what that means
  std::vector<Figure> figures = {};  ///< the same for programs
};

/// What is mounted there, what that is good for, and how much room there is.
Finding check_file_system(const std::string& directory);

/// Renaming, syncing of directories, and the lock that keeps two daemons apart.
Finding check_names(const std::string& directory);

/// How long a sync takes, and whether that is long enough to be one.
Finding check_sync(const std::string& directory);

/// Whether a callback that was acknowledged survives the kill of its process.
struct Crashes {
  std::size_t count = 0;
  std::optional<std::chrono::steady_clock::time_point> deadline{};  ///< then fewer will do
  std::function<bool()> cancelled{};
};
Finding check_crashes(const std::string& directory, const Crashes& crashes);

/// Whether callbacks that do not fit are refused, and accepted again once there is room.
Finding check_full_disk(const std::string& directory);

/// Whether room can be held ahead here, so that a full disk is met by that first. The disk is
/// asked, not filled: it is somebody else's.
Finding check_reserve(const std::string& directory);

}  // namespace postofficed::self_test
