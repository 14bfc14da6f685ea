// Log lines on stderr. The one place where this program meets spdlog.
#pragma once

#include <memory>
#include <string>

#include "options/options.hpp"
#include "postoffice/log.hpp"

namespace spdlog {
class logger;
}

namespace postofficed {

/// Writes lines as text or as one JSON object each: {"ts":…,"level":…,"msg":…}. Nobody waits for
/// them: stderr may be a pipe that nobody reads any more.
///
/// Threads: all methods from any thread.
class Logging {
 public:
  Logging(postoffice::LogLevel level, LogFormat format);
  ~Logging();  ///< as flush()
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  void set_level(postoffice::LogLevel level);

  /// Takes messages for as long as anyone holds it.
  postoffice::Log log() const { return log_; }

  /// Waits for the lines so far to be written, a second at most.
  void flush() const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
  postoffice::Log log_;
};

/// Text on stderr that is given up when nobody takes it for a second.
void write_to_stderr(const std::string& text);

}  // namespace postofficed
