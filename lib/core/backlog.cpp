#include "core/backlog.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

#include "base/checked_count.hpp"

namespace postoffice::core {

Backlog::Runs::iterator Backlog::open(Key key, Run run) {
  by_sequence_.emplace(run.sequence, key);
  ids_ += run.ids.size();
  return runs_.emplace(key, std::move(run)).first;
}

void Backlog::add(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  const bool follows = open_ != runs_.end() && open_->second.sequence == sequence &&
                       open_->first.received_at == received_at;
  if (!follows) {
    if (open_ != runs_.end()) open_->second.ids.shrink_to_fit();
    const Key key{received_at, ++last_number_};
    open_ = open(key, {{}, sequence, now, received_at, {}, 0, 0});
    holds_.insert(received_at);
  }
  Run& run = open_->second;
  if (run.begun == run.ids.size()) untouched_.insert(open_->first);
  run.ids.push_back(id);
  ++ids_;
}

void Backlog::put_back(Record record, Timestamp hold, Timestamp since,
                       Timestamp not_requeued_before) {
  const Key key{record.received_at, ++last_number_};
  const bool again = hold != Timestamp::max();
  const auto size = static_cast<std::uint32_t>(record.ids.size());
  const auto touched = again ? 0 : size;
  open(key, {std::move(record.ids), record.sequence, since, hold, not_requeued_before, touched,
             touched});
  if (!again) return;
  untouched_.insert(key);
  holds_.insert(hold);
}

// All that is left of a run is touched.
void Backlog::touched(Runs::iterator place) {
  const auto hold = holds_.find(place->second.hold);
  assert(hold != holds_.end());
  holds_.erase(hold);
  untouched_.erase(place->first);
}

void Backlog::erase(Runs::iterator place) {
  const auto& [key, run] = *place;
  [[maybe_unused]] const auto erased = by_sequence_.erase({run.sequence, key});
  assert(erased == 1 && run.touched == run.ids.size());
  count_down(ids_, run.ids.size());
  if (open_ == place) open_ = runs_.end();
  runs_.erase(place);
}

Backlog::Receipt Backlog::take_newest() {
  assert(!empty());
  const auto place = std::prev(runs_.end());
  auto& [key, run] = *place;
  assert(run.touched <= run.begun && run.begun <= run.ids.size());
  const auto left = static_cast<std::uint32_t>(run.ids.size() - 1);
  const bool was_touched = run.touched > left;
  const Receipt receipt{run.ids.back(), key.received_at, run.sequence, was_touched};
  run.ids.pop_back();
  count_down(ids_);
  run.begun = std::min(run.begun, left);
  run.touched = std::min(run.touched, left);
  if (!was_touched && run.touched == left) touched(place);
  if (run.begun == left) untouched_.erase(key);
  if (left == 0) erase(place);
  return receipt;
}

std::size_t Backlog::drop(Timestamp before) {
  std::size_t dropped = 0;
  while (!runs_.empty() && oldest() < before) {
    const auto place = runs_.begin();
    const std::size_t ids = place->second.ids.size();
    if (place->second.touched < ids) break;
    dropped += ids;
    erase(place);
  }
  return dropped;
}

void Backlog::begin_part(Runs::iterator place, std::size_t rows_max, std::vector<Touch>& touches) {
  auto& [key, run] = *place;
  const auto size = static_cast<std::uint32_t>(run.ids.size());
  const auto count = std::min<std::size_t>(size - run.begun, rows_max - touches.size());
  for (std::size_t i = 0; i < count; ++i) {
    touches.push_back({run.ids[run.begun + i], key.received_at});
  }
  run.begun += static_cast<std::uint32_t>(count);
  touching_.push_back({key, run.begun});
  if (run.begun == size) untouched_.erase(key);
}

std::vector<Touch> Backlog::begin_touches(std::size_t rows_max) {
  std::vector<Touch> touches;
  if (!touching_.empty() || untouched_.empty()) return touches;
  oldest_next_ = !oldest_next_;
  while (!untouched_.empty() && touches.size() < rows_max) {
    const Key key = oldest_next_ ? *untouched_.begin() : *std::prev(untouched_.end());
    begin_part(runs_.find(key), rows_max, touches);
  }
  const auto before = [](const Touch& a, const Touch& b) {
    return a.id != b.id ? a.id < b.id : a.last_seen > b.last_seen;
  };
  if (!std::is_sorted(touches.begin(), touches.end(), before)) {
    std::sort(touches.begin(), touches.end(), before);
  }
  const auto same = [](const Touch& a, const Touch& b) { return a.id == b.id; };
  touches.erase(std::unique(touches.begin(), touches.end(), same), touches.end());
  return touches;
}

void Backlog::end_touches() {
  for (const auto& [key, end] : touching_) {
    const auto place = runs_.find(key);
    if (place == runs_.end()) continue;  // all of it has been taken
    Run& run = place->second;
    const auto size = static_cast<std::uint32_t>(run.ids.size());
    if (run.touched == size) continue;
    run.touched = std::min(end, size);
    if (run.touched == size) touched(place);
  }
  touching_.clear();
}

Backlog::Record Backlog::take_for_requeue(Sequence target, Timestamp since, Timestamp now) {
  for (const auto& [sequence, key] : by_sequence_) {
    const auto place = runs_.find(key);
    Run& run = place->second;
    if (run.touched < run.ids.size()) return {};  // holds the queue anyway
    if (run.not_requeued_before > now) continue;
    if (sequence > target && run.since >= since) return {};
    Record record{std::move(run.ids), key.received_at, sequence};
    count_down(ids_, record.ids.size());
    run.ids.clear();
    run.touched = 0;
    erase(place);
    return record;
  }
  return {};
}

}  // namespace postoffice::core
