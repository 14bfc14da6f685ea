#include "daemon/service_report.hpp"

#include <algorithm>

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

// What is left of a longer text fits into a line of `systemctl status`.
constexpr std::size_t status_bytes_max = 400;

// A text that counts seconds changes with every look.
constexpr auto status_every = 5s;

// The start may take so much longer, from each such message on.
constexpr microseconds extension = 30s;
constexpr auto extend_every = 10s;

// On top of what the options allow: answers are stored, the queue is flushed and closed.
constexpr microseconds stop_margin = 30s;

// Without a watchdog, which tells otherwise. Longer than most storage takes to fail over.
constexpr microseconds disk_patience_default = 5min;

// Never below what the pages call trouble (age_seconds_max): a pipeline that moves shows it once a
// second only.
constexpr microseconds shown_every_so_often = 3s;

enum StatusKind { opening, accepting, troubled, not_ready, stopping };

std::string line(const char* name, microseconds value) {
  return std::string(name) + "=" + std::to_string(value.count()) + "\n";
}

// One line, whatever is in it: a message has a variable in each line.
std::string status_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, ' ');
  if (text.size() > status_bytes_max) {
    text.resize(status_bytes_max);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) {
      text.pop_back();  // not in the middle of a character
    }
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
    text += "…";
  }
  return "STATUS=" + text + "\n";
}

StatusKind kind_of(const Watched& watched) {
  if (watched.phase == Watched::Phase::opening) return opening;
  if (watched.phase == Watched::Phase::stopping) return stopping;
  if (!watched.not_ready.empty()) return not_ready;
  return watched.trouble.empty() ? accepting : troubled;
}

std::string sentence(StatusKind kind, const Watched& watched) {
  const std::string well = watched.takes_callbacks ? "accepting callbacks" : "fetching and storing";
  switch (kind) {
    case opening: return "opening the queue";
    case accepting: return well;
    case troubled: return well + "; " + watched.trouble;
    case not_ready: return "not ready: " + watched.not_ready;
    case stopping: return "stopping: waiting for fetches in flight";
  }
  return {};
}

std::string seconds(microseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

}  // namespace

microseconds ServiceReport::interval() const {
  if (watchdog_ <= 0us) return 1s;
  return std::clamp<microseconds>(watchdog_ / 4, 1ms, 1s);
}

microseconds ServiceReport::pipeline_age_max() const {
  return std::max<microseconds>(watchdog_ / 2, shown_every_so_often);
}

microseconds ServiceReport::disk_patience() const {
  return watchdog_ > 0us ? 10 * watchdog_ : disk_patience_default;
}

std::string ServiceReport::look(Time now, const Watched& watched) {
  std::string message = tell_phase(now, watched);
  message += tell_status(now, watched);
  if (watched.phase != Watched::Phase::opening) message += feed(watched);
  return message;
}

std::string ServiceReport::tell_phase(Time now, const Watched& watched) {
  const bool turned = phase_ != watched.phase;
  phase_ = watched.phase;
  switch (phase_) {
    case Watched::Phase::opening: return tell_opening(now, watched);
    case Watched::Phase::running: return turned ? "READY=1\n" : "";
    case Watched::Phase::stopping:
      if (!turned) return {};
      return "STOPPING=1\n" + line("EXTEND_TIMEOUT_USEC", watched.stop_limit + stop_margin);
  }
  return {};
}

// As long as it reads or writes; what stands still may be given up.
std::string ServiceReport::tell_opening(Time now, const Watched& watched) {
  if (moved_at_ == Time{} || watched.bytes_moved != bytes_moved_) moved_at_ = now;
  bytes_moved_ = watched.bytes_moved;
  if (now < next_extension_ || now - moved_at_ > disk_patience()) return {};
  next_extension_ = now + extend_every;
  return line("EXTEND_TIMEOUT_USEC", extension);
}

std::string ServiceReport::tell_status(Time now, const Watched& watched) {
  const auto kind = kind_of(watched);
  const auto text = status_line(sentence(kind, watched));
  if (text == status_ || (kind == status_kind_ && now < next_status_)) return {};
  status_ = text;
  status_kind_ = kind;
  next_status_ = now + status_every;
  return text;
}

std::string ServiceReport::feed(const Watched& watched) {
  silent_because_.clear();
  if (watchdog_ <= 0us) return {};
  if (watched.pipeline_age > pipeline_age_max()) {
    silent_because_ = "the pipeline has not moved for " + seconds(watched.pipeline_age);
  } else if (watched.flush_overdue > disk_patience()) {
    silent_because_ = "a flush has taken " + seconds(watched.flush_overdue);
  }
  return silent_because_.empty() ? "WATCHDOG=1\n" : "";
}

// The time tells the manager which of two messages is the later one; from systemd 253 on, a reload
// without it never ends (Type=notify-reload).
std::string ServiceReport::reloading(Time now) {
  return "RELOADING=1\n" +
         line("MONOTONIC_USEC", std::chrono::duration_cast<microseconds>(now.time_since_epoch())) +
         status_line("reading the configuration again");
}

std::string ServiceReport::reloaded() { return "READY=1\n" + status_; }

std::string ServiceReport::failed(const std::string& message) { return status_line(message); }

}  // namespace postofficed
