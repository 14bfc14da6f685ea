// A source that does not answer.
#include "admin/troubles.hpp"

namespace postofficed {

void find_source_troubles(const Shown&, const postoffice::PipelineStatus& status,
                          Troubles& troubles) {
  if (status.source_open) {
    troubles.push_back(
        {"source",
         "is silent: no connection, or no answer in time, many times in a row; it is "
         "tried once a second. Check that it runs, and that it can be reached at --source",
         {}});
  }
}

}  // namespace postofficed
