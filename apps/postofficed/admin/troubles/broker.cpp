// A broker that does not take or give messages.
#include "admin/troubles.hpp"

namespace postofficed {

void find_broker_troubles(const Shown& shown, const postoffice::PipelineStatus&,
                          Troubles& troubles) {
  if (shown.broker && !shown.broker().well()) {
    troubles.push_back({"broker", "disturbed; /status says what", {}});
  }
}

}  // namespace postofficed
