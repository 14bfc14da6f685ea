// A source that does not answer, or not so that it helps.
#include "admin/troubles.hpp"

namespace postofficed {

void find_source_troubles(const Shown&, const postoffice::PipelineStatus& status,
                          Troubles& troubles) {
  if (status.source_open) {
    troubles.push_back({"source", "answers nobody; it is tried once a second", {}});
  }
}

}  // namespace postofficed
