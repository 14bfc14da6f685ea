// The pipeline is behind: since when and how far.
#include <chrono>

#include "admin/troubles.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

// A burst that is worked off at once is not reported.
constexpr auto behind_after = std::chrono::seconds(2);

std::string seconds(postoffice::Duration time) {
  return std::to_string(time / std::chrono::seconds(1)) + " s";
}

}  // namespace

void find_backlog_troubles(const Shown&, const postoffice::PipelineStatus& status,
                           Troubles& troubles) {
  const auto behind = status.now - status.behind_since;
  if (status.ids_in_queue_only == 0 || behind < behind_after) return;
  troubles.push_back(
      {"backlog",
       "behind since " + rfc3339(status.behind_since) + " (" + seconds(behind) +
           "): " + std::to_string(status.ids_in_queue_only) +
           " ids wait in the queue only, the oldest for " +
           seconds(status.now - status.oldest_in_queue_only),
       "new ids and rows are served first, and ids older than --ttl end as expired; if this "
       "lasts, the source answers too few fetches: see postoffice_fetch_limit, "
       "--fetch-concurrency and the source itself",
       PartState::behind});
}

}  // namespace postofficed
