// Where the library's messages go.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string_view>

namespace postoffice {

enum class LogLevel { debug, info, warning, error };

/// Takes one message, without a line end; rarely (state changes, not requests). Empty: messages are
/// dropped.
///
/// It may block: every part calls it on a thread of its own, through log_in_background(), and goes
/// on when it does not return. A part that goes away waits up to a second for its last messages to
/// be taken; a Log that blocks for longer may still be running then, and must own what it uses.
using Log = std::function<void(LogLevel level, std::string_view message)>;

/// A message and when it was given.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time{};
  std::string_view text;
};

/// A Log that never blocks, whatever `sink` does: messages wait for it in a bounded buffer (8,192,
/// or 1 MiB), and are counted and dropped when that is full. Once it flows again, a message says
/// how many were. The sink is called on one thread, one message at a time.
///
/// Parts that are given the same such Log share its thread and its buffer.
Log log_in_background(std::function<void(const LogLine&)> sink);

/// The same for a Log. One that is in the background already stays as it is.
Log log_in_background(Log log);

/// How the messages of a Log in the background get on; all zero for any other.
struct LogStatus {
  std::uint64_t waiting = 0;           ///< messages that the sink has not taken yet
  std::uint64_t dropped = 0;           ///< since the start
  std::chrono::milliseconds stuck{0};  ///< for how long the sink has not returned from a message
};
LogStatus status_of(const Log& log);

/// Waits until the sink has taken all that was given before, but no longer than `limit`.
void flush(const Log& log, std::chrono::milliseconds limit);

}  // namespace postoffice
