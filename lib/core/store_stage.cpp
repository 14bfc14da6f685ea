#include "core/store_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/backoff.hpp"
#include "base/checked_count.hpp"
#include "codec/sort_by_id.hpp"
#include "postoffice/error.hpp"

namespace postoffice::core {
namespace {

// Two keep the connection busy while the result of the first one travels; more would only delay the
// newest.
constexpr std::size_t batches_in_flight_max = 2;

constexpr Duration pause_min = std::chrono::milliseconds(100);
constexpr Duration pause_max = std::chrono::seconds(2);

// After a refusal: a bad row is rarely the only one.
constexpr Duration each_for = std::chrono::seconds(1);

constexpr std::size_t retried_max = 1'000;
constexpr std::size_t rows_max_least = 64;

constexpr std::size_t prefetched_ahead = 8;

const Refusal* refusal_of(ObjectId id, const Applied& applied) {
  const auto place =
      std::lower_bound(applied.refused.begin(), applied.refused.end(), id,
                       [](const Refusal& r, ObjectId wanted) { return r.id < wanted; });
  return place != applied.refused.end() && place->id == id ? &*place : nullptr;
}

Timestamp receipt_of(ObjectId id, const std::vector<Touch>& touches) {
  const auto place =
      std::lower_bound(touches.begin(), touches.end(), id,
                       [](const Touch& t, ObjectId wanted) { return t.id < wanted; });
  return place != touches.end() && place->id == id ? place->last_seen : Timestamp{};
}

}  // namespace

StoreStage::StoreStage(Ledger& ledger, Counters& counters, const PipelineOptions& options)
    : ledger_(ledger),
      counters_(counters),
      options_(options),
      touches_(ledger, options.batch_rows_max, options.touch_delay),
      rows_max_(options.batch_rows_max) {}

void StoreStage::add(std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    Entry& entry = ledger_[outcome.index];
    assert(ledger_.active(outcome.index) && entry.storing > 0);
    outcome.order = ++last_order_;
    if (entry.stuck) {
      keep(stuck_.at(entry.id), std::move(outcome));
    } else if (entry.outcome_waiting) {
      merge(waiting_[entry.outcome], outcome);
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
  if (failures_ == 0) begin_retry(now, cutoff, orders);
  while (has_room()) {
    const bool with_touches = touches_.due(now) || (flush && touches_.size() > 0);
    if (waiting_.empty() && !with_touches) break;
    orders.push_back(compose(now, cutoff, with_touches, flush));
  }
  // Nothing else would show whether the store is back.
  if (failures_ > 0 && in_flight_.empty()) begin_retry(now, cutoff, orders);
}

bool StoreStage::has_room() const {
  // A store that has just failed is tried with one transaction.
  if (failures_ > 0) return in_flight_.empty();
  if (in_flight_.size() < batches_in_flight_max) return true;
  const bool full = waiting_.size() >= options_.batch_rows_max || touches_.full();
  return full && in_flight_.size() < options_.full_batches_in_flight;
}

ApplyOrder StoreStage::compose(Timestamp now, Timestamp cutoff, bool with_touches, bool flush) {
  Batch batch;
  batch.token = ++last_token_;
  batch.begun = now;
  batch.each = now < each_until_ || failures_ > 1;
  take_outcomes(batch.outcomes);
  ApplyOrder order;
  order.token = batch.token;
  order.changes.each = batch.each;
  order.changes.cutoff = cutoff;
  add_outcomes(order.changes, batch.outcomes);
  if (with_touches) {
    batch.chunk = touches_.take_chunk(flush ? Timestamp::max() : now, rows_max_);
    add_touches(order.changes, batch.chunk);
    if (!stuck_.empty()) hold_stuck(order.changes);
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
  taken.reserve(std::min(waiting_.size(), rows_max_));
  for (; taken.size() < rows_max_ && !waiting_.empty(); waiting_.pop_front()) {
    Entry& entry = ledger_[waiting_.front().index];
    assert(entry.outcome_waiting);
    entry.outcome_waiting = false;
    if (entry.stuck) {
      keep(stuck_.at(entry.id), std::move(waiting_.front()));
    } else {
      taken.push_back(std::move(waiting_.front()));
    }
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
  codec::sort_by_id(rows_, sort_memory_);
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
  if (retry_ && retry_->token == token) {
    retried(error, applied, now);
    return resolved_;
  }
  const auto place = std::find_if(in_flight_.begin(), in_flight_.end(),
                                  [&](const Batch& batch) { return batch.token == token; });
  if (place == in_flight_.end()) return resolved_;
  Batch batch = std::move(*place);
  if (place != in_flight_.begin()) batch.in_turn = false;
  const auto next = in_flight_.erase(place);
  count_down(outcomes_in_flight_, batch.outcomes.size());
  count_down(touches_in_flight_, batch.chunk.ids.size());
  if (error) {
    std::for_each(next, in_flight_.end(), [](Batch& later) { later.in_turn = false; });
    put_back(batch);
    failed(error, batch, now);
  } else {
    failures_ = 0;
    rows_max_ = std::min(rows_max_ * 2, options_.batch_rows_max);
    counters_.durations.transactions.add(now - batch.begun);
    committed(batch, applied, now);
  }
  recycle(std::move(batch.outcomes));
  return resolved_;
}

void StoreStage::failed(std::error_code error, Batch& batch, Timestamp now) {
  ++counters_.store_failures;
  // The store is up: try again at once, row by row.
  const bool others_can = error == Error::rejected && !batch.each;
  if (others_can) {
    each_until_ = now + each_for;
    return;
  }
  if (error == Error::timed_out) {
    rows_max_ = std::min(rows_max_, std::max(rows_max_least, rows_max_ / 4));
  }
  not_before_ = now + Backoff<Duration>(pause_min, pause_max).after(failures_++);
}

void StoreStage::committed(Batch& batch, const Applied& applied, Timestamp now) {
  if (!applied.refused.empty()) {
    each_until_ = now + each_for;
    // This comes first, while something still refers to their entries.
    for (const Refusal& refusal : applied.refused) set_aside(refusal, batch.chunk, now);
  }
  for (std::size_t i = 0; i < batch.outcomes.size(); ++i) {
    const std::size_t ahead = i + prefetched_ahead;
    if (ahead < batch.outcomes.size()) ledger_.prefetch(batch.outcomes[ahead].index);
    Outcome& outcome = batch.outcomes[i];
    if (!applied.refused.empty() && refusal_of(ledger_[outcome.index].id, applied)) {
      keep(stuck_.at(ledger_[outcome.index].id), std::move(outcome));
    } else {
      commit_outcome(outcome, applied, now);
    }
  }
  if (batch.in_turn) {
    commit_touches(batch.chunk, applied, now);
  } else {
    put_back_touches(batch.chunk);
    not_before_ = std::max(not_before_, now + pause_min);  // not again before the one it waits for
  }
}

void StoreStage::commit_outcome(const Outcome& outcome, const Applied& applied, Timestamp now) {
  Entry& entry = ledger_[outcome.index];
  count_down(entry.storing);
  count_down(counters_.pending);
  counters_.waiting.store.remove(outcome.since);
  count(outcome, entry, applied, now);
  resolved_.push_back(outcome.index);
}

void StoreStage::count(const Outcome& outcome, const Entry& entry, const Applied& applied,
                       Timestamp now) {
  switch (outcome.kind) {
    case Outcome::Kind::not_found: ++counters_.not_found; break;
    case Outcome::Kind::dead: ++counters_.dead; break;
    case Outcome::Kind::answer:
      if (std::binary_search(applied.late.begin(), applied.late.end(), entry.id)) {
        ++counters_.expired;
      } else {
        ++counters_.stored;
        counters_.durations.receipt_to_row.add(now - outcome.received_at);
      }
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

// A chunk may contain an id that an earlier chunk contains, too. If it counted although the earlier
// one has failed, nothing would hold the receipt in the earlier one.
void StoreStage::put_back_touches(TouchStage::Chunk& chunk) {
  if (!chunk.empty()) touches_.failed(std::move(chunk));
}

void StoreStage::put_back(Batch& batch) {
  for (auto place = batch.outcomes.rbegin(); place != batch.outcomes.rend(); ++place) {
    Entry& entry = ledger_[place->index];
    const bool outdated = is_outdated(*place);
    if (entry.stuck) {
      keep(stuck_.at(entry.id), std::move(*place));
    } else if (outdated || entry.outcome_waiting) {
      resolved_.push_back(place->index);
      if (!entry.outcome_waiting) {
        merge(*place);
        continue;
      }
      // Two transactions may have failed, the later one last: the later outcome is kept.
      Outcome& waiting = waiting_[entry.outcome];
      const bool later = !outdated && waiting.order <= place->order;
      later ? merge(waiting, *place) : merge(*place, waiting);
      if (later) waiting = std::move(*place);
    } else {
      entry.outcome_waiting = true;
      entry.outcome = waiting_.push_front(std::move(*place));
    }
  }
  put_back_touches(batch.chunk);
}

// A dead letter that comes after a later receipt's answer would undo it.
bool StoreStage::is_outdated(const Outcome& outcome) const {
  return outcome.kind == Outcome::Kind::dead &&
         ledger_[outcome.index].last_receipt > outcome.given_up->received_at;
}

// Their receipts are held instead of written.
void StoreStage::hold_stuck(Changes& changes) {
  std::erase_if(changes.touches, [&](const Touch& touch) {
    StuckRows::Row* row = stuck_.find(touch.id);
    if (!row) return false;
    row->touch = true;
    changes.held.push_back(touch);
    return true;
  });
}

void StoreStage::set_aside(const Refusal& refusal, const TouchStage::Chunk& chunk, Timestamp now) {
  StuckRows::Row& row = stuck_.refused(refusal, now);
  row.touch = true;
  if (row.index != no_entry) return;  // it stood here before
  row.index = ledger_.find_or_add(refusal.id);
  Entry& entry = ledger_[row.index];
  entry.stuck = true;
  count_up(entry.touching);
  // The ledger need not have known a row from the backlog until now.
  if (entry.last_receipt == Timestamp{}) entry.last_receipt = receipt_of(refusal.id, chunk.backlog);
}

// Of two outcomes of an id the later one is kept.
void StoreStage::keep(StuckRows::Row& row, Outcome outcome) {
  const bool outdated = is_outdated(outcome);
  const bool goes = outdated || (row.has_outcome && outcome.order < row.outcome.order);
  if (row.has_outcome || outdated) resolved_.push_back(outcome.index);
  if (row.has_outcome) {
    goes ? merge(outcome, row.outcome) : merge(row.outcome, outcome);
  } else if (outdated) {
    merge(outcome);
  }
  if (goes) return;
  row.outcome = std::move(outcome);
  row.has_outcome = true;
}

void StoreStage::begin_retry(Timestamp now, Timestamp cutoff, std::vector<ApplyOrder>& orders) {
  if (retry_ || stuck_.empty()) return;
  Retry retry{++last_token_, now, stuck_.take_due(now, retried_max), {}, {}};
  if (retry.ids.empty()) return;
  ApplyOrder order;
  order.token = retry.token;
  order.changes.each = true;
  order.changes.cutoff = cutoff;
  for (const ObjectId id : retry.ids) {
    StuckRows::Row& row = stuck_.at(id);
    give_up(row, now);
    const bool answer = row.has_outcome && row.outcome.kind == Outcome::Kind::answer;
    if (std::exchange(row.touch, false)) {
      retry.touched.push_back(id);
      if (!answer) order.changes.touches.push_back({id, ledger_[row.index].last_receipt});
    }
    if (std::exchange(row.has_outcome, false)) retry.outcomes.push_back(std::move(row.outcome));
  }
  add_outcomes(order.changes, retry.outcomes);
  orders.push_back(std::move(order));
  retry_ = std::move(retry);
}

void StoreStage::retried(std::error_code error, const Applied& applied, Timestamp now) {
  assert(retry_);
  Retry retry = std::exchange(retry_, std::nullopt).value();
  if (!error) {
    failures_ = 0;
    counters_.durations.transactions.add(now - retry.begun);
  }
  const bool nobody = error == Error::unavailable || error == Error::timed_out ||
                      error == Error::stopped || error == Error::fenced;
  const auto refusal = [&](ObjectId id) -> std::optional<Refusal> {
    if (error && !applied.failure.reason.empty())
      return Refusal{id, applied.failure.code, applied.failure.reason};
    if (error) return Refusal{id, error.category().name(), error.message()};
    const Refusal* found = refusal_of(id, applied);
    return found ? std::optional(*found) : std::nullopt;
  };
  for (const ObjectId id : retry.touched) {
    if (refusal(id)) stuck_.at(id).touch = true;
  }
  for (Outcome& outcome : retry.outcomes) {
    const ObjectId id = ledger_[outcome.index].id;
    if (refusal(id)) {
      keep(stuck_.at(id), std::move(outcome));
    } else {
      commit_outcome(outcome, applied, now);
    }
  }
  for (const ObjectId id : retry.ids) {
    const auto again = refusal(id);
    if (again && nobody) {
      stuck_.postpone(id, now);
    } else if (again) {
      stuck_.refused(*again, now);
    } else {
      release(id, now);
    }
  }
  for (const ObjectId id : applied.missing) {
    const EntryIndex index = ledger_.find(id);
    if (index != no_entry) touches_.add_missing(index, now);
  }
}

// As with ids that cannot be fetched (S7), an answer is given up after some tries and a ttl. This
// comes before the next try: the store would only say that it is too late.
void StoreStage::give_up(StuckRows::Row& row, Timestamp now) {
  const Timestamp received_at = ledger_[row.index].last_receipt;
  const bool answer = row.has_outcome && row.outcome.kind == Outcome::Kind::answer;
  if (now < received_at + options_.ttl) return;
  row.touch = false;  // the row is to go; that it does not go earlier is the store's to see to
  if (!answer || row.attempts < options_.attempts_min) return;
  row.outcome.kind = Outcome::Kind::dead;
  row.outcome.given_up = std::make_unique<Outcome::GivenUp>(Outcome::GivenUp{
      received_at, now, row.attempts, "the store refuses the row: " + row.code + " " + row.reason});
}

// The row was written. What arrived for it meanwhile takes the usual way again.
void StoreStage::release(ObjectId id, Timestamp now) {
  StuckRows::Row& row = stuck_.at(id);
  const EntryIndex index = row.index;
  Entry& entry = ledger_[index];
  assert(entry.stuck && entry.id == id);
  entry.stuck = false;
  count_down(entry.touching);
  if (row.has_outcome && entry.outcome_waiting) {
    Outcome& waiting = waiting_[entry.outcome];
    const bool later = waiting.order < row.outcome.order;
    later ? merge(waiting, row.outcome) : merge(row.outcome, waiting);
    if (later) waiting = std::move(row.outcome);
  } else if (row.has_outcome) {
    entry.outcome = waiting_.push_back(std::move(row.outcome));
    entry.outcome_waiting = true;
  }
  // Its receipt is held by the store: this touch need not hold it.
  if (row.touch) touches_.add(index, Timestamp::max(), ~Sequence{0}, now);
  stuck_.erase(id);
  resolved_.push_back(index);
}

void StoreStage::merge(const Outcome& outcome) {
  count_down(ledger_[outcome.index].storing);
  count_down(counters_.pending);
  ++counters_.merged;
  counters_.waiting.store.remove(outcome.since);
}

// Both are of one id. Its oldest receipt goes on waiting, since the older one came.
void StoreStage::merge(Outcome& outcome, Outcome& kept) {
  if (outcome.received_at < kept.received_at) std::swap(outcome.received_at, kept.received_at);
  if (outcome.since < kept.since) std::swap(outcome.since, kept.since);
  merge(outcome);
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

Timestamp StoreStage::next_wake_at() const {
  if (in_flight_.size() >= batches_in_flight_max) return Timestamp::max();
  if (!in_flight_.empty() && failures_ > 0) return Timestamp::max();
  const auto due = waiting_.empty() ? touches_.next_wake_at() : Timestamp::min();
  // Only one retry at a time, although a transaction begun before it may have refused more rows.
  const auto again = retry_ ? Timestamp::max() : stuck_.next_wake_at();
  return std::max(std::min(due, again), not_before_);
}

}  // namespace postoffice::core
