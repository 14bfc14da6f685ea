#include "core/stuck_rows.hpp"

#include <algorithm>
#include <cassert>

#include "base/backoff.hpp"
#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

constexpr Duration first_pause = std::chrono::milliseconds(100);
constexpr int doublings_max = 10;

// A lock is usually released sooner than a constraint is changed.
constexpr Duration locked_pause_max = std::chrono::seconds(1);
constexpr Duration refused_pause_max = std::chrono::seconds(5);
// If there are many rows, they are tried less often, so that they do not keep the store busy.
constexpr Duration pause_more_for_each = std::chrono::milliseconds(5);
constexpr Duration pause_more_max = std::chrono::minutes(5);

// Beyond this only the code is kept.
constexpr std::size_t reasons_max = 10'000;

}  // namespace

void StuckRows::arrived(Row& row, Timestamp due) {
  if (row.under_way) count_down(under_way_);
  row.under_way = false;
  row.due = due;
  next_ = std::min(next_, due);
}

StuckRows::Row& StuckRows::refused(const Refusal& refusal, Timestamp now) {
  const auto [place, added] = rows_.try_emplace(refusal.id);
  Row& row = place->second;
  if (added) {
    row.since = now;
    by_age_.emplace(now, refusal.id);
  }
  row.code = refusal.code;
  row.reason = rows_.size() > reasons_max ? std::string() : refusal.reason;
  row.locked = refusal.locked;
  ++row.attempts;
  const auto more = std::min<Duration>(
      pause_more_for_each * static_cast<std::int64_t>(rows_.size() - 1), pause_more_max);
  const auto most = (row.locked ? locked_pause_max : refused_pause_max) + more;
  const Backoff<Duration> pause(first_pause, most);
  arrived(row, now + pause.after(std::min(row.attempts, doublings_max)));
  return row;
}

void StuckRows::postpone(ObjectId id, Timestamp now) {
  if (Row* row = find(id)) arrived(*row, now + locked_pause_max);
}

void StuckRows::erase(ObjectId id) {
  const auto place = rows_.find(id);
  if (place == rows_.end()) return;
  if (place->second.under_way) count_down(under_way_);
  by_age_.erase({place->second.since, id});
  rows_.erase(place);
  if (rows_.empty()) next_ = Timestamp::max();
}

std::vector<ObjectId> StuckRows::take_due(Timestamp now, std::size_t limit) {
  std::vector<ObjectId> due;
  if (under_way() || now < next_) return due;
  next_ = Timestamp::max();
  for (auto& [id, row] : rows_) {
    if (row.due > now || due.size() >= limit) {
      next_ = std::min(next_, row.due);
      continue;
    }
    row.under_way = true;
    due.push_back(id);
  }
  under_way_ = due.size();
  return due;
}

void StuckRows::name_some(std::vector<StuckRow>& named, std::size_t limit, bool deleting) const {
  for (const auto& [since, id] : by_age_) {
    if (limit-- == 0) return;
    const Row& row = rows_.at(id);
    named.push_back({.id = id,
                     .deleting = deleting,
                     .locked = row.locked,
                     .code = row.code,
                     .reason = row.reason,
                     .since = since});
  }
}

}  // namespace postoffice::core
