// A source that does not answer.
#include <string>

#include "admin/troubles.hpp"

namespace postofficed {

void find_source_troubles(const Shown&, const postoffice::PipelineStatus& status,
                          Troubles& troubles) {
  if (status.source_open) {
    const std::string& reason = status.fetch_news.reason;
    troubles.push_back(
        {"source",
         "is silent: no connection, or no answer in time, many times in a row" +
             (reason.empty() ? reason : "; the newest failure: " + reason),
         "check that it runs, and that it can be reached at --source; it is tried once a second"});
  }
}

}  // namespace postofficed
