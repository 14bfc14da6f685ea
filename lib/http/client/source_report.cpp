#include "http/client/source_report.hpp"

#include <chrono>
#include <utility>

namespace postoffice::http {

void SourceReport::reachable() {
  if (std::exchange(reachable_, Reachable::yes) == Reachable::no) {
    tell(LogLevel::info, "reachable again");
  }
}

void SourceReport::unreachable(const std::string& reason) {
  if (std::exchange(reachable_, Reachable::no) != Reachable::no) tell(LogLevel::warning, reason);
}

void SourceReport::keeping(bool keeps) {
  if (std::exchange(keeping_, keeps) == keeps) return;
  tell(LogLevel::info,
       keeps ? "connections are kept open again, on probation"
             : "kept connections make others wait, or bring no gain: for now each is closed after "
               "its answer");
}

void SourceReport::refused(Refusal refusal, const std::string& reason, ObjectId id) {
  const auto now = std::chrono::steady_clock::now();
  bool first = false;
  bool only = false;
  {
    const std::lock_guard lock(mutex_);
    first = answers_.refused(refusal, reason, id, now);
    only = answers_.only_refused(now);
  }
  if (first) {
    tell(LogLevel::warning, "an answer was refused, the one about id " + std::to_string(id) + ": " +
                                reason + " (more like it are counted, not logged)");
  }
  if (only && !std::exchange(only_refused_, true)) {
    tell(LogLevel::warning, "every answer is refused, the newest: " + reason);
  }
}

void SourceReport::taken() {
  if (answers_.run() == 0) return;
  {
    const std::lock_guard lock(mutex_);
    answers_.taken();
  }
  if (std::exchange(only_refused_, false)) tell(LogLevel::info, "its answers are accepted again");
}

void SourceReport::show_refused(HttpObjectSourceStatus& status) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t kind = 1; kind < refusals; ++kind) {
    status.refused.push_back({label_of(static_cast<Refusal>(kind)), answers_.counts()[kind]});
  }
  status.refused_in_a_row = answers_.run();
  if (answers_.only_refused(std::chrono::steady_clock::now())) {
    status.only_refused = answers_.newest_reason();
  }
}

}  // namespace postoffice::http
