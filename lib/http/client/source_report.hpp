// Reports about a source, in the log and in the status.
#pragma once

#include <mutex>
#include <string>

#include "http/client/refused_answers.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/log.hpp"

namespace postoffice::http {

/// Logs one line for each change of state, none while it lasts.
///
/// Threads: show_refused() on any thread; all others on one thread.
class SourceReport {
 public:
  /// Lines name the URL without its query, which may hold a token.
  SourceReport(const std::string& url, Log log, bool keeping)
      : url_(url.substr(0, url.find('?'))), log_(std::move(log)), keeping_(keeping) {}

  void reachable();
  void unreachable(const std::string& reason);
  /// Whether connections are used for more than one fetch.
  void keeping(bool keeps);

  void refused(Refusal refusal, const std::string& reason, ObjectId id);
  /// An answer was accepted.
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

  mutable std::mutex
      mutex_;  // the one thread that writes the guarded members may read them without it
  RefusedAnswers answers_;
};

}  // namespace postoffice::http
