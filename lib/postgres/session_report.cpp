#include "postgres/session_report.hpp"

#include <utility>

namespace postoffice::postgres {
namespace {

/// Sessions that end and begin again at once are logged no more often than this.
constexpr std::chrono::minutes between_partings{10};

using Clock = std::chrono::steady_clock;

std::string line_of(const Failure& failure) {
  return failure.state.empty() ? failure.message : failure.state + ": " + failure.message;
}

}  // namespace

SessionReport::SessionReport(std::string name, Log log, SessionHealth& health)
    : name_(std::move(name)), log_(std::move(log)), health_(health) {}

void SessionReport::set_server(std::string server) {
  server_ = std::move(server);
  health_.set_server(server_);
}

void SessionReport::failed(const Failure& failure) { report(failure, false); }

void SessionReport::lost(const Failure& failure) {
  if (!parting_.empty()) say(LogLevel::warning, "the session was ended (" + parting_ + ")");
  parting_.clear();
  health_.failed(Clock::now(), failure.message);
  report(failure, false);
}

void SessionReport::parted(const Failure& failure) {
  ++partings_;
  parting_ = line_of(failure);
}

void SessionReport::connected() {
  const std::string what = "connected to " + server_;
  health_.answered(Clock::now(), false);
  if (!parting_.empty()) tell_parting(what);
  if (!reported_request_) report_success(what);
}

void SessionReport::refused(const Failure& failure, bool about_request, Asker asker) {
  report(failure, about_request);
  if (reported_request_) reported_asker_ = asker;
}

void SessionReport::worked(Asker asker) {
  if (!reported_request_ || reported_asker_ == asker) report_success("works again");
}

void SessionReport::report(const Failure& failure, bool about_request) {
  if (failure.message == last_reported_) return;
  last_reported_ = failure.message;
  reported_request_ = about_request;
  if (about_request) health_.refuses(failure.message);
  say(LogLevel::warning, failure.message);
}

void SessionReport::report_success(const std::string& what) {
  if (last_reported_.empty()) return;
  last_reported_.clear();
  reported_request_ = false;
  health_.refuses({});
  if (log_) log_(LogLevel::info, name_ + ": " + what);
}

// If sessions are ended every few seconds, one line is enough.
void SessionReport::tell_parting(const std::string& then) {
  const std::string why = std::exchange(parting_, {});
  const auto now = Clock::now();
  const bool told = parting_told_ != Clock::time_point{} && now - parting_told_ < between_partings;
  if (told) return;
  parting_told_ = now;
  const int times = std::exchange(partings_, 0);
  const std::string count = times > 1 ? ", " + std::to_string(times) + " times so far" : "";
  say(LogLevel::info, "the session was ended (" + why + ")" + count + "; " + then);
}

void SessionReport::say(LogLevel level, const std::string& message) const {
  if (!log_) return;
  log_(level, name_ + (server_.empty() ? "" : " (" + server_ + ")") + ": " + message);
}

}  // namespace postoffice::postgres
