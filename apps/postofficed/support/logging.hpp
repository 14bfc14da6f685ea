// Log lines on stderr. The one place where this program meets spdlog.
#pragma once

#include <memory>

#include "options/options.hpp"
#include "postoffice/log.hpp"

namespace spdlog {
class logger;
}

namespace postofficed {

/// Writes lines as text or as one JSON object each: {"ts":…,"level":…,"msg":…}.
///
/// Threads: all methods from any thread.
class Logging {
 public:
  Logging(postoffice::LogLevel level, LogFormat format);

  void set_level(postoffice::LogLevel level);

  /// Takes messages for as long as anyone holds it.
  postoffice::Log log() const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace postofficed
