#include "support/logging.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

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

// A pattern cannot escape what stands in a message.
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

}  // namespace

Logging::Logging(postoffice::LogLevel level, LogFormat format)
    : logger_(std::make_shared<spdlog::logger>(
          "postofficed", std::make_shared<spdlog::sinks::stderr_color_sink_mt>())) {
  logger_->set_formatter(make_formatter(format));
  logger_->flush_on(spdlog::level::debug);
  set_level(level);
}

void Logging::set_level(postoffice::LogLevel level) { logger_->set_level(level_of(level)); }

postoffice::Log Logging::log() const {
  return [logger = logger_](postoffice::LogLevel level, std::string_view message) {
    logger->log(level_of(level), spdlog::string_view_t(message.data(), message.size()));
  };
}

}  // namespace postofficed
