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
/// It may block: every part calls it through log_in_background(), on a separate thread, and
/// continues if it does not return. A part that is destroyed waits up to a second for its last
/// messages to be taken; a Log that blocks for longer may still be running after that, so it must
/// own what it uses.
using Log = std::function<void(LogLevel level, std::string_view message)>;

/// A message and when it was given.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::chrono::system_clock::time_point time{};
  std::string_view text;
};

/// A Log that never blocks, whatever `sink` does: messages wait for `sink` in a bounded buffer
/// (8,192 messages or 1 MiB), and are counted and dropped while the buffer is full. Once there is
/// room again, a message says how many were dropped. The sink is called on one thread, one message
/// at a time.
///
/// Parts that are given the same such Log share its thread and its buffer.
Log log_in_background(std::function<void(const LogLine&)> sink);

/// The same for a Log. A Log that is already in the background is returned unchanged.
Log log_in_background(Log log);

/// The state of a Log in the background; all zero for any other.
struct LogStatus {
  std::uint64_t waiting = 0;           ///< messages that the sink has not taken yet
  std::uint64_t dropped = 0;           ///< since the start
  std::chrono::milliseconds stuck{0};  ///< how long the sink has been busy with one message
};
LogStatus status_of(const Log& log);

/// Waits until the sink has taken all earlier messages, but no longer than `limit`.
void flush(const Log& log, std::chrono::milliseconds limit);

}  // namespace postoffice
