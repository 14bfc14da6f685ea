// Rows that the store refuses, while it takes others.
#include <algorithm>
#include <chrono>
#include <string>

#include "admin/troubles.hpp"

namespace postofficed {
namespace {

// A row that is locked for a moment is not reported.
constexpr std::chrono::seconds patience{3};

std::string names(const postoffice::PipelineStatus& status, bool deleting) {
  std::string text;
  for (const postoffice::StuckRow& row : status.stuck) {
    if (row.deleting != deleting) continue;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(status.now - row.since);
    text += (text.empty() ? ": id " : "; id ") + std::to_string(row.id) + " for " +
            std::to_string(seconds.count()) + " s (" + row.code + " " + row.reason + ")";
  }
  return text;
}

bool any_locked(const postoffice::PipelineStatus& status, bool deleting) {
  return std::any_of(status.stuck.begin(), status.stuck.end(),
                     [&](const auto& row) { return row.deleting == deleting && row.locked; });
}

void add(const postoffice::PipelineStatus& status, bool deleting, Troubles& troubles) {
  const auto count = deleting ? status.stuck_deletes : status.stuck_rows;
  if (count == 0) return;
  const std::string rows = std::to_string(count) + (count == 1 ? " row" : " rows");
  const std::string next =
      any_locked(status, deleting)
          ? "end the transaction that holds the lock (pg_stat_activity, pg_blocking_pids())"
          : "change what refuses the row: a constraint, a foreign key, a trigger, a policy";
  if (deleting) {
    troubles.push_back(
        {"expiry",
         rows + " expired and cannot be deleted; all others are" + names(status, deleting), next,
         PartState::degraded});
  } else {
    troubles.push_back({"rows",
                        rows + " cannot be written; all others are" + names(status, deleting),
                        next + "; answers become dead letters after the ttl", PartState::degraded});
  }
}

}  // namespace

void find_row_troubles(const Shown&, const postoffice::PipelineStatus& status, Troubles& troubles) {
  if (status.stuck_since == postoffice::Timestamp::max()) return;
  if (status.now < status.stuck_since + patience) return;
  add(status, false, troubles);
  add(status, true, troubles);
}

}  // namespace postofficed
