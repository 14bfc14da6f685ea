#include "core/store_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "core/sort_by_id.hpp"
#include "planted_bug.hpp"

namespace postoffice::core {
namespace {

// Two keep the connection busy while the first one's result travels; more only delay the newest.
constexpr std::size_t batches_in_flight_max = 2;

constexpr Duration pause_min = std::chrono::milliseconds(100);
constexpr Duration pause_max = std::chrono::seconds(2);

constexpr std::size_t prefetched_ahead = 8;

}  // namespace

StoreStage::StoreStage(Ledger& ledger, Counters& counters, const PipelineOptions& options)
    : ledger_(ledger),
      counters_(counters),
      options_(options),
      touches_(ledger, options.batch_rows_max, options.touch_delay) {}

void StoreStage::add(std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    Entry& entry = ledger_[outcome.index];
    outcome.order = ++last_order_;
    if (entry.outcome_waiting) {
      merge(outcome);
      waiting_[entry.outcome] = std::move(outcome);
    } else {
      entry.outcome = waiting_.push_back(std::move(outcome));
      entry.outcome_waiting = true;
    }
  }
  outcomes.clear();
}

void StoreStage::begin(Timestamp now, Timestamp cutoff, bool flush,
                       std::vector<ApplyOrder>& orders) {
  touches_.repeat_missing(now);
  if (now < not_before_) return;
  while (has_room()) {
    const bool with_touches = touches_.due(now) || (flush && touches_.size() > 0);
    if (waiting_.empty() && !with_touches) break;
    orders.push_back(compose(flush ? Timestamp::max() : now, cutoff, with_touches));
  }
}

bool StoreStage::has_room() const {
  // A store that has just failed is tried with one transaction.
  if (failures_ > 0) return in_flight_.empty();
  if (in_flight_.size() < batches_in_flight_max) return true;
  const bool full = waiting_.size() >= options_.batch_rows_max || touches_.full();
  return full && in_flight_.size() < options_.full_batches_in_flight;
}

ApplyOrder StoreStage::compose(Timestamp now, Timestamp cutoff, bool with_touches) {
  Batch batch;
  batch.token = ++last_token_;
  take_outcomes(batch.outcomes);
  ApplyOrder order;
  order.token = batch.token;
  order.changes.cutoff = planted(PlantedBug::late_answer_resurrects) ? Timestamp::min() : cutoff;
  add_outcomes(order.changes, batch.outcomes);
  if (with_touches) {
    batch.chunk = touches_.take(now);
    add_touches(order.changes, batch.chunk);
  }
  outcomes_in_flight_ += batch.outcomes.size();
  touches_in_flight_ += batch.chunk.ids.size();
  in_flight_.push_back(std::move(batch));
  return order;
}

void StoreStage::take_outcomes(std::vector<Outcome>& taken) {
  if (!spare_.empty()) {
    taken = std::move(spare_.back());
    spare_.pop_back();
  }
  const auto count = std::min(waiting_.size(), options_.batch_rows_max);
  taken.reserve(count);
  for (; taken.size() < count; waiting_.pop_front()) {
    taken.push_back(std::move(waiting_.front()));
    ledger_[taken.back().index].outcome_waiting = false;
  }
}

void StoreStage::recycle(std::vector<Outcome> outcomes) {
  if (outcomes.capacity() == 0 || spare_.size() >= batches_in_flight_max) return;
  outcomes.clear();
  spare_.push_back(std::move(outcomes));
}

// Sorted once, so that each list of the transaction is sorted as it is written.
void StoreStage::add_outcomes(Changes& changes, const std::vector<Outcome>& outcomes) {
  rows_.clear();
  for (const Outcome& outcome : outcomes) {
    rows_.push_back({ledger_[outcome.index].id, static_cast<std::uint32_t>(rows_.size())});
  }
  sort_by_id(rows_, sort_memory_);
  changes.answers.reserve(outcomes.size());
  changes.cleared.reserve(outcomes.size());
  for (const Row& row : rows_) add_outcome(changes, outcomes[row.outcome]);
}

// An answer carries the newest receipt itself: its id needs no touch.
void StoreStage::add_touches(Changes& changes, const TouchStage::Chunk& chunk) {
  changes.touches = touches_.build(chunk);
  auto answer = changes.answers.begin();
  std::erase_if(changes.touches, [&](const Touch& touch) {
    while (answer != changes.answers.end() && answer->id < touch.id) ++answer;
    return answer != changes.answers.end() && answer->id == touch.id;
  });
}

void StoreStage::add_outcome(Changes& changes, const Outcome& outcome) const {
  const Entry& entry = ledger_[outcome.index];
  if (outcome.kind == Outcome::Kind::dead) {
    const auto& [received_at, failed_at, attempts, reason] = *outcome.given_up;
    changes.dead_letters.push_back({entry.id, received_at, failed_at, attempts, reason});
    return;
  }
  changes.cleared.push_back(entry.id);
  if (outcome.kind == Outcome::Kind::not_found) return;
  const bool remove = !outcome.online && options_.keep == Keep::online;
  (remove ? changes.removals : changes.answers)
      .push_back({entry.id, outcome.online, entry.last_receipt, outcome.fetched_at});
}

const std::vector<EntryIndex>& StoreStage::applied(std::uint64_t token, std::error_code error,
                                                   const Applied& applied, Timestamp now) {
  resolved_.clear();
  const auto place = std::find_if(in_flight_.begin(), in_flight_.end(),
                                  [&](const Batch& batch) { return batch.token == token; });
  if (place == in_flight_.end()) return resolved_;
  Batch batch = std::move(*place);
  if (place != in_flight_.begin()) batch.in_turn = false;
  const auto next = in_flight_.erase(place);
  outcomes_in_flight_ -= batch.outcomes.size();
  touches_in_flight_ -= batch.chunk.ids.size();
  if (error && !planted(PlantedBug::failed_commit_believed)) {
    std::for_each(next, in_flight_.end(), [](Batch& later) { later.in_turn = false; });
    put_back(batch);
    ++counters_.store_failures;
    const auto doublings = std::min(failures_++, 5);
    not_before_ = now + std::min<Duration>(pause_min * (1 << doublings), pause_max);
  } else {
    failures_ = 0;
    committed(batch, applied, now);
  }
  recycle(std::move(batch.outcomes));
  return resolved_;
}

void StoreStage::committed(Batch& batch, const Applied& applied, Timestamp now) {
  for (std::size_t i = 0; i < batch.outcomes.size(); ++i) {
    const std::size_t ahead = i + prefetched_ahead;
    if (ahead < batch.outcomes.size()) ledger_.prefetch(batch.outcomes[ahead].index);
    const Outcome& outcome = batch.outcomes[i];
    Entry& entry = ledger_[outcome.index];
    --entry.storing;
    --counters_.pending;
    count(outcome, entry, applied);
    resolved_.push_back(outcome.index);
  }
  if (batch.in_turn) {
    commit_touches(batch.chunk, applied, now);
  } else {
    put_back_touches(batch.chunk);
    not_before_ = std::max(not_before_, now + pause_min);  // not again before the one it waits for
  }
}

void StoreStage::count(const Outcome& outcome, const Entry& entry, const Applied& applied) {
  switch (outcome.kind) {
    case Outcome::Kind::not_found: ++counters_.not_found; break;
    case Outcome::Kind::dead: ++counters_.dead; break;
    case Outcome::Kind::answer:
      ++(std::binary_search(applied.late.begin(), applied.late.end(), entry.id) ? counters_.expired
                                                                                : counters_.stored);
      break;
  }
}

void StoreStage::commit_touches(TouchStage::Chunk& chunk, const Applied& applied, Timestamp now) {
  counters_.touches += chunk.ids.size() + chunk.backlog.size();
  if (!chunk.backlog.empty()) return touches_.backlog_committed(std::move(chunk), applied.missing);
  touches_.committed(chunk);
  for (std::size_t i = 0; i < applied.missing.size(); ++i) {
    if (i % Ledger::lookahead == 0) ledger_.prepare(std::span(applied.missing).subspan(i));
    const EntryIndex index = ledger_.find(applied.missing[i]);
    if (index != no_entry) touches_.add_missing(index, now);
  }
  resolved_.insert(resolved_.end(), chunk.ids.begin(), chunk.ids.end());
  touches_.recycle(std::move(chunk));
}

// A chunk may hold the receipt of an id that stands in an earlier one. Were it to count although
// that one has failed, nothing would hold the receipt.
void StoreStage::put_back_touches(TouchStage::Chunk& chunk) {
  if (!chunk.empty()) touches_.failed(std::move(chunk));
}

void StoreStage::put_back(Batch& batch) {
  for (auto place = batch.outcomes.rbegin(); place != batch.outcomes.rend(); ++place) {
    Entry& entry = ledger_[place->index];
    // A dead letter that comes after a later receipt's answer would undo it.
    const bool outdated =
        place->kind == Outcome::Kind::dead && entry.last_receipt > place->given_up->received_at;
    if (outdated || entry.outcome_waiting) {
      resolved_.push_back(place->index);
      merge(*place);
      // Two transactions may have failed, the later one last: the later outcome stays.
      if (outdated || waiting_[entry.outcome].order > place->order) continue;
      waiting_[entry.outcome] = std::move(*place);
    } else {
      entry.outcome_waiting = true;
      entry.outcome = waiting_.push_front(std::move(*place));
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
