// Callbacks that cannot be made durable, or are no longer durable.
#include "admin/troubles.hpp"
#include "support/text.hpp"

namespace postofficed {

void find_queue_troubles(const Shown& shown, const postoffice::PipelineStatus&,
                         Troubles& troubles) {
  const std::string reason = shown.queue_trouble ? shown.queue_trouble() : shown.not_ready();
  if (!reason.empty()) troubles.push_back({"queue", reason, {}});
  const auto at_risk = shown.journal ? shown.journal->at_risk() : 0;
  if (at_risk == 0) return;
  troubles.push_back(
      {"queue",
       "files of the queue were removed while this process runs: " + counted(at_risk, "callback") +
           " that are unfinished would not survive a crash",
       "find out what removes files from the queue's directory; what is in memory "
       "is appended again",
       PartState::degraded});
}

}  // namespace postofficed
