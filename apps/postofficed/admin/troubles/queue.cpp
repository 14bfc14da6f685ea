// Callbacks that cannot be made durable, or are no longer durable.
#include "admin/troubles.hpp"
#include "daemon/neighbours.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

std::string next_for(const Shown& shown) {
  if (shown.journal) {
    if (auto advice = shown.journal->advice(); !advice.empty()) return advice;
  }
  if (shown.broker) return "see the part broker";
  const auto instance = shown.instance ? shown.instance() : std::nullopt;
  if (instance && instance->fenced) {
    return about_successor(*instance, shown_option(shown, "store")).next;
  }
  return "see the log; it is tried again by itself";
}

/// A copy of a publisher, which the troubles of the broker tell with what to do.
bool is_copied(const Shown& shown) {
  if (!shown.broker) return false;
  const auto broker = shown.broker();
  return broker.publisher && !broker.publisher->copied.empty();
}

}  // namespace

void find_queue_troubles(const Shown& shown, const postoffice::PipelineStatus&,
                         Troubles& troubles) {
  const std::string reason = shown.queue_trouble ? shown.queue_trouble() : shown.not_ready();
  if (!reason.empty() && !is_copied(shown)) troubles.push_back({"queue", reason, next_for(shown)});
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
