// What a connection logs about its sessions.
#pragma once

#include <chrono>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/request.hpp"
#include "postgres/session_health.hpp"
#include "postoffice/log.hpp"

namespace postoffice::postgres {

/// Logs each failure once, and its end. A good session that ends and begins again at once is logged
/// after the new beginning, and not each time.
///
/// Threads: the connection's lock.
class SessionReport {
 public:
  SessionReport(std::string name, Log log, SessionHealth& health);

  void set_server(std::string server);

  /// No session could begin, or the session was lost.
  void failed(const Failure& failure);
  void lost(const Failure& failure);
  /// A good session has ended; another one is begun at once, or when it is needed.
  void parted(const Failure& failure);
  void rests() { tell_parting("it is opened again when it is needed"); }
  void connected();

  /// One request failed. With `about_request` only a success of the same `asker` ends the failure,
  /// not a new session.
  void refused(const Failure& failure, bool about_request, Asker asker);
  void worked(Asker asker);

 private:
  void report(const Failure& failure, bool about_request);
  void report_success(const std::string& what);
  void tell_parting(const std::string& then);
  void say(LogLevel level, const std::string& message) const;

  const std::string name_;
  const Log log_;
  SessionHealth& health_;
  std::string server_;                   // that the newest attempt went to
  std::string last_reported_;            // message, empty while all is well
  bool reported_request_ = false;        // the reported failure was about a request
  Asker reported_asker_ = Asker::other;  // … and whose
  std::string parting_;  // why a good session ended, until the next one has begun or failed to
  int partings_ = 0;     // since the last one that was logged
  std::chrono::steady_clock::time_point parting_told_;
};

}  // namespace postoffice::postgres
