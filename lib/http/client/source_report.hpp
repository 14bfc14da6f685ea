// What is told about a source, in the log and in the status.
#pragma once

#include <mutex>
#include <string>

#include "http/client/refused_answers.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/log.hpp"

namespace postoffice::http {

/// One line for each turn of a state, none while it lasts.
///
/// Threads: show_refused() on any; all else on one.
class SourceReport {
 public:
  SourceReport(std::string url, Log log, bool keeping)
      : url_(std::move(url)), log_(std::move(log)), keeping_(keeping) {}

  void reachable();
  void unreachable(const std::string& reason);
  /// Whether connections are used for more than one fetch.
  void keeping(bool keeps);

  void refused(Refusal refusal, const std::string& reason, ObjectId id);
  /// An answer was of use.
  void taken();

  void show_refused(HttpObjectSourceStatus& status) const;

 private:
  enum class Reachable { unknown, yes, no };

  void tell(LogLevel level, const std::string& text) const {
    if (log_) log_(level, "source " + url_ + ": " + text);
  }

  const std::string url_;
  const Log log_;
  Reachable reachable_ = Reachable::unknown;
  bool keeping_;
  bool only_refused_ = false;

  mutable std::mutex mutex_;  // one thread writes what it guards, and may read it without
  RefusedAnswers answers_;
};

}  // namespace postoffice::http
