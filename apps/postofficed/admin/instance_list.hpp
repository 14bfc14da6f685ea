// The daemons that share this one's database, as few questions as pages need.
#pragma once

#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_instances.hpp"

namespace postofficed {

/// Asks at most once a second, however many pages are open; everybody who asks meanwhile gets the
/// same list. Its connection is opened with the first question.
///
/// Threads: the loop's, except use_credentials(). Lifetime: as PostgresInstances.
class InstanceList {
 public:
  static constexpr std::chrono::seconds fresh_for{1};
  using Done = postoffice::PostgresInstances::ListDone;

  /// Throws std::invalid_argument if libpq cannot parse the conninfo.
  InstanceList(postoffice::EventLoop& loop, const std::string& conninfo);

  bool use_credentials(const std::string& conninfo) { return database_.use_credentials(conninfo); }
  void get(Done done);

 private:
  void answered(std::error_code error, postoffice::PostgresInstanceList list);

  std::vector<Done> waiting_;
  std::error_code error_;
  postoffice::PostgresInstanceList list_;
  std::chrono::steady_clock::time_point asked_{};
  postoffice::PostgresInstances database_;  // destroyed first: its completions use the others
};

}  // namespace postofficed
