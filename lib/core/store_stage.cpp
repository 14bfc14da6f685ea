#include "core/store_stage.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "planted_bug.hpp"

namespace postoffice::core {
namespace {

// Two keep the connection busy while the first one's result travels; more only delay the newest.
constexpr std::size_t batches_in_flight_max = 2;

constexpr Duration pause_min = std::chrono::milliseconds(100);
constexpr Duration pause_max = std::chrono::seconds(2);

template <typename Row>
void sort_by_id(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.id < b.id; });
}

}  // namespace

StoreStage::StoreStage(Ledger& ledger, Counters& counters, const PipelineOptions& options)
    : ledger_(ledger),
      counters_(counters),
      options_(options),
      touches_(ledger, options.batch_rows_max, options.touch_delay) {}

void StoreStage::add(std::vector<Outcome> outcomes) {
  for (Outcome& outcome : outcomes) {
    const EntryIndex index = outcome.index;
    outcome.order = ++last_order_;
    const auto [place, fresh] = waiting_.try_emplace(index);
    if (fresh) {
      order_.push_back(index);
    } else {
      merge(place->second);
    }
    place->second = std::move(outcome);
  }
}

std::vector<ApplyOrder> StoreStage::begin(Timestamp now, Timestamp cutoff, bool flush) {
  touches_.repeat_missing(now);
  std::vector<ApplyOrder> orders;
  if (now < not_before_) return orders;
  // A store that has just failed is tried with one transaction.
  const auto in_flight_max = failures_ > 0 ? 1 : batches_in_flight_max;
  while (in_flight_.size() < in_flight_max) {
    const bool with_touches = touches_.due(now) || (flush && touches_.size() > 0);
    if (waiting_.empty() && !with_touches) break;
    orders.push_back(compose(cutoff, with_touches));
  }
  return orders;
}

ApplyOrder StoreStage::compose(Timestamp cutoff, bool with_touches) {
  Batch batch;
  batch.token = ++last_token_;
  batch.outcomes = take_outcomes();
  ApplyOrder order;
  order.token = batch.token;
  Changes& changes = order.changes;
  changes.cutoff = planted(PlantedBug::late_answer_resurrects) ? Timestamp::min() : cutoff;
  for (const Outcome& outcome : batch.outcomes) add_outcome(changes, outcome);
  sort_by_id(changes.answers);
  if (with_touches) {
    batch.chunk = touches_.take();
    std::vector<Touch> touches = touches_.build(batch.chunk);
    // An answer carries the newest receipt itself.
    std::set_difference(touches.begin(), touches.end(), changes.answers.begin(),
                        changes.answers.end(), std::back_inserter(changes.touches),
                        [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  sort_by_id(changes.removals);
  sort_by_id(changes.dead_letters);
  std::sort(changes.cleared.begin(), changes.cleared.end());
  outcomes_in_flight_ += batch.outcomes.size();
  touches_in_flight_ += batch.chunk.ids.size();
  in_flight_.push_back(std::move(batch));
  return order;
}

std::vector<Outcome> StoreStage::take_outcomes() {
  std::vector<Outcome> taken;
  taken.reserve(std::min(order_.size(), options_.batch_rows_max));
  for (; !order_.empty() && taken.size() < options_.batch_rows_max; order_.pop_front()) {
    const auto place = waiting_.find(order_.front());
    taken.push_back(std::move(place->second));
    waiting_.erase(place);
  }
  return taken;
}

void StoreStage::add_outcome(Changes& changes, const Outcome& outcome) const {
  const Entry& entry = ledger_[outcome.index];
  if (outcome.kind == Outcome::Kind::dead) {
    changes.dead_letters.push_back(
        {entry.id, outcome.received_at, outcome.failed_at, outcome.attempts, outcome.reason});
    return;
  }
  changes.cleared.push_back(entry.id);
  if (outcome.kind == Outcome::Kind::not_found) return;
  const bool remove = !outcome.online && options_.keep == Keep::online;
  (remove ? changes.removals : changes.answers)
      .push_back({entry.id, outcome.online, entry.last_receipt, outcome.fetched_at});
}

std::vector<EntryIndex> StoreStage::applied(std::uint64_t token, std::error_code error,
                                            const Applied& applied, Timestamp now) {
  std::vector<EntryIndex> resolved;
  const auto place = std::find_if(in_flight_.begin(), in_flight_.end(),
                                  [&](const Batch& batch) { return batch.token == token; });
  if (place == in_flight_.end()) return resolved;
  Batch batch = std::move(*place);
  if (place != in_flight_.begin()) batch.in_turn = false;
  const auto next = in_flight_.erase(place);
  outcomes_in_flight_ -= batch.outcomes.size();
  touches_in_flight_ -= batch.chunk.ids.size();
  if (error && !planted(PlantedBug::failed_commit_believed)) {
    std::for_each(next, in_flight_.end(), [](Batch& later) { later.in_turn = false; });
    put_back(batch, resolved);
    ++counters_.store_failures;
    const auto doublings = std::min(failures_++, 5);
    not_before_ = now + std::min<Duration>(pause_min * (1 << doublings), pause_max);
  } else {
    failures_ = 0;
    committed(batch, applied, now, resolved);
  }
  return resolved;
}

void StoreStage::committed(Batch& batch, const Applied& applied, Timestamp now,
                           std::vector<EntryIndex>& resolved) {
  for (const Outcome& outcome : batch.outcomes) {
    Entry& entry = ledger_[outcome.index];
    --entry.storing;
    --counters_.pending;
    switch (outcome.kind) {
      case Outcome::Kind::not_found: ++counters_.not_found; break;
      case Outcome::Kind::dead: ++counters_.dead; break;
      case Outcome::Kind::answer:
        ++(std::binary_search(applied.late.begin(), applied.late.end(), entry.id)
               ? counters_.expired
               : counters_.stored);
        break;
    }
    resolved.push_back(outcome.index);
  }
  if (batch.in_turn) {
    commit_touches(batch.chunk, applied, now, resolved);
  } else {
    put_back_touches(batch.chunk);
    not_before_ = std::max(not_before_, now + pause_min);  // not again before the one it waits for
  }
}

void StoreStage::commit_touches(const TouchStage::Chunk& chunk, const Applied& applied,
                                Timestamp now, std::vector<EntryIndex>& resolved) {
  counters_.touches += chunk.ids.size();
  touches_.committed(chunk);
  for (const ObjectId id : applied.missing) {
    const EntryIndex index = ledger_.find(id);
    if (index != no_entry) touches_.add_missing(index, now);
  }
  resolved.insert(resolved.end(), chunk.ids.begin(), chunk.ids.end());
}

// A chunk may hold the receipt of an id that stands in an earlier one. Were it to count although
// that one has failed, nothing would hold the receipt.
void StoreStage::put_back_touches(TouchStage::Chunk& chunk) {
  if (!chunk.ids.empty() || chunk.first != ~Sequence{0}) touches_.failed(std::move(chunk));
}

void StoreStage::put_back(Batch& batch, std::vector<EntryIndex>& resolved) {
  for (auto place = batch.outcomes.rbegin(); place != batch.outcomes.rend(); ++place) {
    const EntryIndex index = place->index;
    // A dead letter that comes after a later receipt's answer would undo it.
    const bool outdated =
        place->kind == Outcome::Kind::dead && ledger_[index].last_receipt > place->received_at;
    const auto waiting = waiting_.find(index);
    if (outdated || waiting != waiting_.end()) {
      // Two transactions may have failed, the later one last: the later outcome stays.
      if (!outdated && waiting->second.order < place->order) std::swap(waiting->second, *place);
      merge(*place);
      resolved.push_back(index);
    } else {
      waiting_.emplace(index, std::move(*place));
      order_.push_front(index);
    }
  }
  put_back_touches(batch.chunk);
}

void StoreStage::merge(const Outcome& outcome) {
  --ledger_[outcome.index].storing;
  --counters_.pending;
  ++counters_.merged;
}

Timestamp StoreStage::oldest_touch() const {
  Timestamp oldest = touches_.oldest();
  for (const Batch& batch : in_flight_) oldest = std::min(oldest, batch.chunk.oldest);
  return oldest;
}

Sequence StoreStage::first_touch() const {
  Sequence first = touches_.first();
  for (const Batch& batch : in_flight_) first = std::min(first, batch.chunk.first);
  return first;
}

Timestamp StoreStage::wake() const {
  if (in_flight_.size() >= batches_in_flight_max) return Timestamp::max();
  if (!in_flight_.empty() && failures_ > 0) return Timestamp::max();
  const auto due = waiting_.empty() ? touches_.wake() : Timestamp::min();
  return std::max(due, not_before_);
}

}  // namespace postoffice::core
