#include "support/logging.hpp"

#include <poll.h>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "support/json.hpp"

namespace postofficed {
namespace {

spdlog::level::level_enum level_of(postoffice::LogLevel level) {
  switch (level) {
    case postoffice::LogLevel::debug: return spdlog::level::debug;
    case postoffice::LogLevel::info: return spdlog::level::info;
    case postoffice::LogLevel::warning: return spdlog::level::warn;
    case postoffice::LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(spdlog::level::level_enum level) {
  const auto name = spdlog::level::to_string_view(level);
  return {name.data(), name.size()};
}

// A pattern cannot escape the text of a message.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto time = std::chrono::time_point_cast<postoffice::Duration>(message.time);
    Json json;
    json.begin_object()
        .member("ts", time)
        .member("level", name_of(message.level))
        .member("msg", std::string_view(message.payload.data(), message.payload.size()))
        .end_object();
    const std::string text = json.text() + "\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

std::unique_ptr<spdlog::formatter> make_formatter(LogFormat format) {
  if (format == LogFormat::json) return std::make_unique<JsonFormatter>();
  return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
                                                     spdlog::pattern_time_type::utc);
}

using Steady = std::chrono::steady_clock;

// Writes what can be written until `deadline`. A pipe that poll() finds writable takes PIPE_BUF
// bytes without blocking; and a process that shares stderr may have made it non-blocking.
void write_until(std::string_view text, Steady::time_point deadline) {
  while (!text.empty()) {
    int limit = -1;
    if (deadline != Steady::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
      limit = std::max(0, static_cast<int>(left.count()));
    }
    pollfd place{STDERR_FILENO, POLLOUT, 0};
    const int ready = poll(&place, 1, limit);
    if (ready == 0) return;
    if (ready < 0 && errno != EINTR) return;
    if (ready < 0) continue;
    const ssize_t count =
        write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// Not one of spdlog's sinks: those use stdio, whose lock the end of the process needs, too. One
// thread calls it, and may wait in it without limit.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (colours_ && message.color_range_end > message.color_range_start) {
      text.insert(message.color_range_end, "\033[m");
      text.insert(message.color_range_start, colour_of(message.level));
    }
    write_until(text, Steady::time_point::max());
  }
  void flush_() override {}

  static const char* colour_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::warn: return "\033[33m\033[1m";
      case spdlog::level::err: return "\033[31m\033[1m";
      case spdlog::level::info: return "\033[32m";
      default: return "\033[36m";
    }
  }

  const bool colours_ = isatty(STDERR_FILENO) != 0 && spdlog::details::os::is_color_terminal();
};

}  // namespace

void write_to_stderr(const std::string& text) {
  write_until(text, Steady::now() + std::chrono::seconds(1));
}

Logging::Logging(postoffice::LogLevel level, LogFormat format)
    : logger_(std::make_shared<spdlog::logger>("postofficed", std::make_shared<StderrSink>())) {
  logger_->set_formatter(make_formatter(format));
  logger_->set_error_handler([](const std::string&) {});
  set_level(level);
  log_ = postoffice::log_in_background([logger = logger_](const postoffice::LogLine& line) {
    logger->log(line.time, {}, level_of(line.level),
                spdlog::string_view_t(line.text.data(), line.text.size()));
  });
}

Logging::~Logging() { flush(); }

void Logging::flush() const { postoffice::flush(log_, std::chrono::seconds(1)); }

void Logging::set_level(postoffice::LogLevel level) { logger_->set_level(level_of(level)); }

}  // namespace postofficed
