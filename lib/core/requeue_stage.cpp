#include "core/requeue_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

constexpr Duration mark_every = std::chrono::seconds(1);
constexpr Duration hurry_every = std::chrono::milliseconds(100);
constexpr Duration again_after = std::chrono::seconds(1);  // a failed append of overflow

constexpr std::size_t aged_ids_max = 10'000;
constexpr std::size_t overflow_ids_max = 200'000;  // a second, or ten times that in a hurry

}  // namespace

void RequeueStage::overflow(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  ++counters_.pending;
  backlog_.add(id, received_at, sequence, now);
}

Backlog::Receipt RequeueStage::take_overflow() {
  count_down(counters_.pending);  // counted again as it enters
  return backlog_.take_newest();
}

void RequeueStage::expire(Timestamp before) {
  const auto dropped = backlog_.drop(before);
  counters_.expired += dropped;
  count_down(counters_.pending, std::uint64_t{dropped});
}

std::vector<Touch> RequeueStage::begin_touches() {
  return backlog_.empty() ? std::vector<Touch>() : backlog_.begin_touches(options_.batch_rows_max);
}

void RequeueStage::begin(Timestamp now, const QueuePosition& queue, bool drain,
                         std::vector<RequeueOrder>& orders) {
  const bool hurry = queue.target > queue.acknowledged && now >= hurry_again_;
  const bool mark = marks_.empty() || now >= marks_.back().when + mark_every;
  if (hurry) hurry_again_ = now + hurry_every;
  if (mark) marks_.push_back({now, queue.delivered});
  if ((mark || hurry) && !drain) {
    requeue_aged(now, queue, orders);
    requeue_overflow(now, queue.target, orders);
  }
  note_behind(now);
}

void RequeueStage::order(Append append, std::vector<RequeueOrder>& orders) {
  counters_.requeued += append.ids.size();
  orders.push_back({++last_token_, append.received_at, append.ids});
  appends_.emplace(last_token_, std::move(append));
}

// What waits in the queue alone stays where it is, until it is in the way there.
void RequeueStage::requeue_overflow(Timestamp now, Sequence target,
                                    std::vector<RequeueOrder>& orders) {
  const Timestamp since = now - options_.carry_after;
  for (std::size_t count = 0; count < overflow_ids_max;) {
    auto [ids, received_at, sequence] = backlog_.take_for_requeue(target, since, now);
    if (ids.empty()) break;
    count += ids.size();
    away_.insert(received_at);
    away_ids_ += ids.size();
    order({Kind::overflow, received_at, std::move(ids), sequence}, orders);
  }
}

// Records up to this one were delivered so long ago that what is left of them is aged.
Sequence RequeueStage::aged_until(Timestamp now) {
  Sequence until = 0;
  while (!marks_.empty() && marks_.front().when + options_.carry_after <= now) {
    until = std::max(until, marks_.front().sequence);
    if (marks_.size() == 1 || marks_[1].when + options_.carry_after > now) break;
    marks_.pop_front();
  }
  return until;
}

// Ids that stand in the queue for too long, or in its way, are requeued, unless touches hold the
// queue anyway. One record for each receipt time.
void RequeueStage::requeue_aged(Timestamp now, const QueuePosition& queue,
                                std::vector<RequeueOrder>& orders) {
  const Sequence until = std::max(queue.target, aged_until(now));
  std::map<Timestamp, Append> aged;
  std::size_t count = 0;
  for (EntryIndex index = ledger_.first_unserved(); index != no_entry && count < aged_ids_max;
       index = ledger_.next_unserved(index)) {
    Entry& entry = ledger_[index];
    if (entry.position > until || entry.position >= queue.first_touch) break;
    if (entry.requeueing) continue;
    entry.requeueing = true;
    ++count;
    Append fresh{Kind::aged, entry.last_receipt, {}, entry.position};
    aged.try_emplace(entry.last_receipt, std::move(fresh)).first->second.ids.push_back(entry.id);
  }
  for (auto& [received_at, append] : aged) order(std::move(append), orders);
}

const std::vector<EntryIndex>& RequeueStage::appended(std::uint64_t token, std::error_code error,
                                                      Sequence receipt, Timestamp watermark,
                                                      Timestamp now) {
  resolved_.clear();
  const auto place = appends_.find(token);
  if (place == appends_.end()) return resolved_;
  Append append = std::move(place->second);
  appends_.erase(place);
  if (error) {
    requeued_.failed();
    append_failed(std::move(append), watermark, now);
  } else {
    requeued_.add(receipt, append.kind == Kind::overflow);
  }
  return resolved_;
}

void RequeueStage::append_failed(Append append, Timestamp watermark, Timestamp now) {
  if (append.kind == Kind::overflow) {
    // A full queue takes no requeued ids, and is not trimmed before it has: so they wait here.
    const auto hold = back_from_away(append.received_at, append.ids.size(), watermark);
    backlog_.put_back({std::move(append.ids), append.received_at, append.first}, hold, {},
                      now + again_after);
    return;
  }
  for (const ObjectId id : append.ids) {
    const EntryIndex index = ledger_.find(id);
    if (index == no_entry) continue;
    ledger_[index].requeueing = false;
    resolved_.push_back(index);
  }
}

const std::vector<EntryIndex>& RequeueStage::delivered(const QueuedCallback& entry,
                                                       const Delivery& delivery,
                                                       Timestamp watermark, Timestamp now) {
  resolved_.clear();
  const auto overflow = requeued_.remove(entry.receipt != 0 ? entry.receipt : entry.sequence);
  // A record whose append failed may turn up all the same; its ids still wait where they were.
  if (!overflow) return resolved_;
  const auto ids =
      std::span(delivery.ids).subspan(entry.ids_begin, entry.ids_end - entry.ids_begin);
  if (*overflow) {
    const auto hold = back_from_away(entry.received_at, ids.size(), watermark);
    backlog_.put_back({{ids.begin(), ids.end()}, entry.received_at, entry.sequence}, hold, now);
  } else {
    return_aged(ids, entry.received_at, entry.sequence);
  }
  return resolved_;
}

// The ids have stood in the ledger all the time; from now on the new record keeps them.
void RequeueStage::return_aged(std::span<const ObjectId> ids, Timestamp received_at,
                               Sequence sequence) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % Ledger::lookahead == 0) ledger_.prepare(ids.subspan(i));
    const EntryIndex index = ledger_.find(ids[i]);
    if (index == no_entry || !ledger_[index].requeueing) continue;
    ledger_[index].requeueing = false;
    const bool current = ledger_[index].in_unserved() && ledger_[index].last_receipt == received_at;
    if (current) ledger_.set_unserved(index, sequence);
    resolved_.push_back(index);
  }
}

// What the watermark may not pass until the record is touched once more; max: it need not be. If an
// older receipt entered meanwhile it may have led to a row since the touches of this record found
// none, a row older by any time.
Timestamp RequeueStage::back_from_away(Timestamp received_at, std::size_t ids,
                                       Timestamp watermark) {
  const auto place = away_.find(received_at);
  assert(place != away_.end());
  away_.erase(place);
  count_down(away_ids_, ids);
  const bool again = overtook_away_;
  assert(!away_.empty() || away_ids_ == 0);
  if (away_.empty()) overtook_away_ = false;
  return again ? std::min(received_at, watermark) : Timestamp::max();
}

void RequeueStage::note_behind(Timestamp now) {
  if (ids() == 0) {
    behind_since_ = Timestamp::max();
  } else if (behind_since_ == Timestamp::max()) {
    behind_since_ = now;
  }
}

Timestamp RequeueStage::oldest() const {
  Timestamp oldest = backlog_.empty() ? Timestamp::max() : backlog_.oldest();
  if (!away_.empty()) oldest = std::min(oldest, *away_.begin());
  return oldest;
}

Sequence RequeueStage::first() const {
  Sequence first = backlog_.first();
  for (const auto& [token, append] : appends_) first = std::min(first, append.first);
  return first;
}

}  // namespace postoffice::core
