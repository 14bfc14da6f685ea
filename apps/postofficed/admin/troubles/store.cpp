// A database that cannot be used: away, refused, fenced.
#include "admin/troubles.hpp"

namespace postofficed {

void find_store_troubles(const Shown& shown, const postoffice::PipelineStatus& status,
                         Troubles& troubles) {
  if (!status.store_up) {
    troubles.push_back({"store", "does not take changes; callbacks are accepted and wait", {}});
  }
  if (shown.shared_store && shown.shared_store->instance_status().fenced) {
    troubles.push_back({"store", "another daemon has taken this one's place", {}});
  }
}

}  // namespace postofficed
