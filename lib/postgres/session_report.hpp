// What a connection tells of its sessions.
#pragma once

#include <chrono>
#include <string>

#include "postgres/failure.hpp"
#include "postgres/request.hpp"
#include "postgres/session_health.hpp"
#include "postoffice/log.hpp"

namespace postoffice::postgres {

/// Says each failure once, and when it is over. A good session that ends and begins again at once
/// is told of when it has begun, and not each time.
///
/// Threads: the connection's lock.
class SessionReport {
 public:
  SessionReport(std::string name, Log log, SessionHealth& health);

  void set_server(std::string server);

  /// No session could begin, or the one that there was is lost.
  void failed(const Failure& failure);
  void lost(const Failure& failure);
  /// A good session has ended; another one is begun at once, or when it is needed.
  void parted(const Failure& failure);
  void rests() { tell_parting("it is opened again when it is needed"); }
  void connected();

  /// One request failed: with `about_request` a new session proves nothing, only that what `asker`
  /// asks works again.
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
  bool reported_request_ = false;        // it was about a request
  Asker reported_asker_ = Asker::other;  // … and whose
  std::string parting_;  // why a good session ended, until the next one has begun or failed to
  int partings_ = 0;     // since one was told of
  std::chrono::steady_clock::time_point parting_told_;
};

}  // namespace postoffice::postgres
