#include "support/logging.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/os.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <limits>
#include <sstream>
#include <utility>

#include "support/journal.hpp"
#include "support/json.hpp"
#include "support/text.hpp"

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

postoffice::LogLevel level_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return postoffice::LogLevel::error;
  if (level == spdlog::level::warn) return postoffice::LogLevel::warning;
  return level == spdlog::level::info ? postoffice::LogLevel::info : postoffice::LogLevel::debug;
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
    const std::string_view line(message.payload.data(), message.payload.size());
    Json json;
    json.begin_object().member("ts", time).member("level", name_of(message.level));
    if (const auto part = part_of(line); !part.empty()) json.member("part", part);
    json.member("msg", line).end_object();
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

bool is_regular_file(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

// A file that somebody truncates is written from its new end on, not with a hole before it.
void append_to_file() {
  if (!is_regular_file(STDERR_FILENO)) return;
  const int flags = fcntl(STDERR_FILENO, F_GETFL);
  if (flags >= 0) fcntl(STDERR_FILENO, F_SETFL, flags | O_APPEND);
}

// Writes what can be written until `deadline`, and removes it from `text`. False: stderr took no
// more, errno says why. A pipe that poll() finds writable takes PIPE_BUF bytes without blocking;
// and a process that shares stderr may have made it non-blocking. A file gets each line by one
// write, lest a truncation comes between.
bool write_until(std::string_view& text, Steady::time_point deadline) {
  const auto most = is_regular_file(STDERR_FILENO) ? std::numeric_limits<std::size_t>::max()
                                                   : std::size_t{PIPE_BUF};
  while (!text.empty()) {
    int limit = -1;
    if (deadline != Steady::time_point::max()) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
      limit = std::max(0, static_cast<int>(left.count()));
    }
    pollfd place{STDERR_FILENO, POLLOUT, 0};
    const int ready = poll(&place, 1, limit);
    if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
    if (ready < 0) continue;
    const ssize_t count = write(STDERR_FILENO, text.data(), std::min(text.size(), most));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Not one of spdlog's sinks: those use stdio, whose lock the end of the process needs, too. One
// thread calls it, and may wait in it without limit.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!write_line(message)) {
      ++lost_;
      why_ = std::strerror(errno);
      return;
    }
    if (lost_ == 0) return;
    const auto text = "log: " + counted(lost_, "line") + " lost, for stderr took none: " + why_;
    lost_ = 0;
    write_line({message.logger_name, spdlog::level::warn, text});
  }
  void flush_() override {}

  bool write_line(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (colours_ && message.color_range_end > message.color_range_start) {
      text.insert(message.color_range_end, "\033[m");
      text.insert(message.color_range_start, colour_of(message.level));
    }
    if (torn_) text.insert(0, "\n");
    std::string_view left = text;
    const bool written = write_until(left, Steady::time_point::max());
    if (left.size() != text.size()) torn_ = !written;
    return written;
  }

  static const char* colour_of(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::warn: return "\033[33m\033[1m";
      case spdlog::level::err: return "\033[31m\033[1m";
      case spdlog::level::info: return "\033[32m";
      default: return "\033[36m";
    }
  }

  const bool colours_ = isatty(STDERR_FILENO) != 0 && spdlog::details::os::is_color_terminal();
  std::uint64_t lost_ = 0;
  std::string why_;
  bool torn_ = false;  // the last line ends in its middle
};

// The journal has level and time of a line as fields of their own. What it does not take by its
// protocol goes to stderr, which leads there, too.
class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit JournalSink(LogFormat format) : format_(format) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const auto level = level_of(message.level);
    const auto text = text_of(message);
    if (send_to_journal(level, text)) return;
    const std::string line = journal_prefix(level) + text + "\n";
    std::string_view left = line;
    write_until(left, Steady::time_point::max());
  }
  void flush_() override {}

  std::string text_of(const spdlog::details::log_msg& message) {
    if (format_ == LogFormat::text) return {message.payload.data(), message.payload.size()};
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return {line.data(), line.size() - 1};  // without its end
  }

  const LogFormat format_;
};

spdlog::sink_ptr make_sink(LogFormat format) {
  if (stderr_is_journal()) return std::make_shared<JournalSink>(format);
  append_to_file();
  return std::make_shared<StderrSink>();
}

}  // namespace

void write_to_stderr(const std::string& text) {
  const std::string line =
      stderr_is_journal() ? journal_prefix(postoffice::LogLevel::error) + text : text;
  std::string_view left = line;
  write_until(left, Steady::now() + std::chrono::seconds(1));
}

void write_failure(LogFormat format, const std::string& message, int code) {
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);) {
    if (format == LogFormat::text) {
      write_to_stderr("postofficed: " + line + "\n");
      continue;
    }
    Json json;
    json.begin_object()
        .member("ts", std::chrono::time_point_cast<postoffice::Duration>(
                          std::chrono::system_clock::now()))
        .member("level", "error")
        .member("msg", line)
        .member("code", code)
        .end_object();
    write_to_stderr(json.text() + "\n");
  }
}

Logging::Logging(postoffice::LogLevel level, LogFormat format)
    : logger_(std::make_shared<spdlog::logger>("postofficed", make_sink(format))) {
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
