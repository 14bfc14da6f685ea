// Callbacks that cannot be made durable.
#include "admin/troubles.hpp"

namespace postofficed {

void find_queue_troubles(const Shown& shown, const postoffice::PipelineStatus&,
                         Troubles& troubles) {
  const std::string reason = shown.not_ready();
  if (!reason.empty()) troubles.push_back({"queue", reason, {}});
}

}  // namespace postofficed
