// Log lines on stderr. The only place where this program uses spdlog.
#pragma once

#include <memory>
#include <string>

#include "options/options.hpp"
#include "postoffice/log.hpp"

namespace spdlog {
class logger;
}

namespace postofficed {

/// Writes lines as text or as one JSON object each: {"ts":…,"level":…,"msg":…}. No thread of the
/// daemon waits for them: stderr may be a pipe without a reader. If stderr is systemd's journal, a
/// line goes there with its level and its part as fields. If it is a file, that may be truncated.
///
/// Threads: all methods from any thread.
class Logging {
 public:
  Logging(postoffice::LogLevel level, LogFormat format);
  ~Logging();  ///< as flush()
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  void set_level(postoffice::LogLevel level);

  /// It takes messages as long as a copy of it exists.
  postoffice::Log log() const { return log_; }

  /// Waits until the lines so far are written, a second at most.
  void flush() const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
  postoffice::Log log_;
};

/// Writes why a command failed, as one line for each line of `message`, in the format of log lines:
/// "postofficed: …", or {"ts":…,"level":"error","msg":…,"code":…} with the exit code.
void write_failure(LogFormat format, const std::string& message, int code);

/// Writes text to stderr, but gives up if stderr takes nothing for a second.
void write_to_stderr(const std::string& text);

}  // namespace postofficed
