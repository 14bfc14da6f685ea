#include "core/fetch_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "planted_bug.hpp"
#include "postoffice/error.hpp"

namespace postoffice::core {
namespace {

// A source keeps its own time limit; this much later the stage stops believing that it will.
constexpr Duration timeout_grace = std::chrono::seconds(1);

// No Retry-After holds an id back for longer.
constexpr Duration retry_after_max = std::chrono::seconds(60);

// It may be too much for the source; other failures are about the id.
bool is_loss(const std::error_code& error) {
  return error == Error::timed_out || error == Error::unavailable;
}

}  // namespace

FetchStage::FetchStage(Ledger& ledger, Counters& counters, const PipelineOptions& options,
                       std::uint64_t seed)
    : ledger_(ledger),
      counters_(counters),
      options_(options),
      ready_(ledger, options.ttl),
      retries_(options.retry_min, options.retry_max, seed),
      limit_(options.fetch_limit_first) {}

void FetchStage::owe(EntryIndex index, bool aged, Timestamp now) {
  Entry& entry = ledger_[index];
  switch (entry.stage) {
    case Stage::idle:
      ++counters_.pending;
      ready_.push(index, now);
      break;
    case Stage::queued:
      ++counters_.merged;
      if (aged) ready_.push(index, now);  // no longer the last in line
      break;
    case Stage::waiting: ++counters_.merged; break;
    case Stage::fetching:
      if (planted(PlantedBug::receipt_joins_running_fetch)) {
        ++counters_.merged;
        break;
      }
      ++counters_.pending;
      entry.stage = Stage::dirty;
      break;
    case Stage::dirty: ++counters_.merged; break;
  }
}

void FetchStage::begin(Timestamp now, std::vector<FetchOrder>& orders) {
  time_out(now);
  retry_due(now);
  const auto retries_max = std::max<std::size_t>(1, limit() / 4);
  while (!draining_ && in_flight_ < limit() && breaker_.allows(now)) {
    const EntryIndex index = ready_.pop(now, retries_in_flight_ >= retries_max);
    if (index == no_entry) break;
    Entry& entry = ledger_[index];
    entry.stage = Stage::fetching;
    const bool retry = entry.attempts > 0;
    if (retry) ++retries_in_flight_;
    breaker_.begun(now);
    ++counters_.fetches;
    orders.push_back({enter_flight(index, retry, now), entry.id});
  }
  limit_.reached(in_flight_ >= limit() && !ready_.empty());
}

std::uint64_t FetchStage::enter_flight(EntryIndex index, bool retry, Timestamp now) {
  if (free_ == no_slot) {
    free_ = static_cast<Slot>(slots_.size());
    slots_.emplace_back();
  }
  const Slot slot = free_;
  Fetch& fetch = slots_[slot];
  free_ = fetch.after;
  fetch.index = index;
  ++fetch.use;
  fetch.began = now;
  fetch.after = no_slot;
  fetch.before = newest_;
  fetch.retry = retry;
  (newest_ == no_slot ? oldest_ : slots_[newest_].after) = slot;
  newest_ = slot;
  ++in_flight_;
  return std::uint64_t{fetch.use} << 32 | slot;
}

void FetchStage::leave_flight(Slot slot) {
  Fetch& fetch = slots_[slot];
  (fetch.before == no_slot ? oldest_ : slots_[fetch.before].after) = fetch.after;
  (fetch.after == no_slot ? newest_ : slots_[fetch.after].before) = fetch.before;
  fetch.index = no_entry;
  fetch.after = std::exchange(free_, slot);
  --in_flight_;
  if (fetch.retry) --retries_in_flight_;
}

FetchStage::Slot FetchStage::slot_of(std::uint64_t token) const {
  const auto slot = static_cast<Slot>(token);
  const bool known = slot < slots_.size() && slots_[slot].use == token >> 32;
  return known && slots_[slot].index != no_entry ? slot : no_slot;
}

void FetchStage::fetched(std::uint64_t token, const FetchResult& result, Timestamp now) {
  const Slot slot = slot_of(token);
  if (slot != no_slot) ended(slot, result, now);
}

void FetchStage::ended(Slot slot, const FetchResult& result, Timestamp now) {
  const EntryIndex index = slots_[slot].index;
  const Timestamp began = slots_[slot].began;
  leave_flight(slot);
  const bool other = !result.error && result.id != ledger_[index].id;
  if (other && !planted(PlantedBug::answer_about_another_id)) {
    failed(index, {Error::bad_answer, 0, false, {}, "answer is about another id"}, now);
  } else if (!result.error || result.error == Error::not_found) {
    answered(index, began, result, now);
  } else {
    failed(index, result, now);
  }
}

void FetchStage::answered(EntryIndex index, Timestamp began, const FetchResult& result,
                          Timestamp now) {
  breaker_.answered();
  limit_.answered(now - began, options_.fetch_concurrency, now);
  Entry& entry = ledger_[index];
  if (std::exchange(entry.attempts, 0) > 0) failures_.erase(index);
  const bool dirty = entry.stage == Stage::dirty;
  entry.stage = Stage::idle;
  Outcome& outcome = add_outcome(index);
  outcome.kind = result.error ? Outcome::Kind::not_found : Outcome::Kind::answer;
  outcome.online = result.online;
  outcome.fetched_at = planted(PlantedBug::answer_dated_by_its_end) ? now : began;
  if (dirty) ready_.push(index, now);
}

void FetchStage::failed(EntryIndex index, const FetchResult& result, Timestamp now) {
  ++counters_.fetch_failures;
  // An answer that makes no sense still shows that somebody is there.
  const bool open = breaker_.open();
  if (result.error != Error::bad_answer) breaker_.failed(now);
  Entry& entry = ledger_[index];
  if (!open && is_loss(result.error)) limit_.lost(entry.attempts, now);
  if (!open && breaker_.open()) limit_.nobody_answers(now);
  if (entry.attempts < UINT16_MAX) ++entry.attempts;
  if (entry.stage == Stage::dirty) {  // what this fetch was for is now owed with the later receipt
    ++counters_.merged;
    --counters_.pending;
  }
  failures_[index] = result.reason.empty() ? result.error.message() : result.reason;
  if (may_give_up(entry, now)) return give_up(index, now);
  entry.stage = Stage::waiting;
  const auto floor = std::min<Duration>(result.retry_after, retry_after_max);
  retries_.add(index, now + retries_.delay(entry.attempts, floor));
}

bool FetchStage::may_give_up(const Entry& entry, Timestamp now) const {
  const int attempts_min = planted(PlantedBug::given_up_after_one_try) ? 1 : options_.attempts_min;
  const bool aged = now >= entry.last_receipt + options_.ttl;
  return entry.attempts >= attempts_min && (aged || planted(PlantedBug::given_up_before_ttl));
}

void FetchStage::give_up(EntryIndex index, Timestamp now) {
  Entry& entry = ledger_[index];
  Outcome& outcome = add_outcome(index);
  outcome.kind = Outcome::Kind::dead;
  outcome.given_up = std::make_unique<Outcome::GivenUp>(
      Outcome::GivenUp{entry.last_receipt, now, entry.attempts, std::move(failures_[index])});
  failures_.erase(index);
  entry.attempts = 0;
  entry.stage = Stage::idle;
}

Outcome& FetchStage::add_outcome(EntryIndex index) {
  ++ledger_[index].storing;
  Outcome& outcome = outcomes_.emplace_back();
  outcome.index = index;
  return outcome;
}

void FetchStage::retry_due(Timestamp now) {
  for (EntryIndex index; (index = retries_.take_due(now)) != no_entry;) {
    const Entry& entry = ledger_[index];
    assert(entry.stage == Stage::waiting);
    if (may_give_up(entry, now)) {
      give_up(index, now);
    } else if (breaker_.allows(now) || ready_.empty()) {
      ready_.push(index, now);
    } else {
      // Kept here rather than in line while nothing moves, so that it can be given up in time.
      retries_.add(index, now + retries_.delay(entry.attempts, Breaker::probe_every));
    }
  }
}

Timestamp FetchStage::deadline(const Fetch& fetch) const {
  return fetch.began + options_.fetch_timeout + timeout_grace;
}

void FetchStage::time_out(Timestamp now) {
  while (oldest_ != no_slot && deadline(slots_[oldest_]) <= now) {
    ended(oldest_, {Error::timed_out, 0, false, {}, {}}, now);
  }
}

Timestamp FetchStage::wake() const {
  Timestamp wake = Timestamp::max();
  if (!retries_.empty()) wake = std::min(wake, retries_.next());
  if (oldest_ != no_slot) wake = std::min(wake, deadline(slots_[oldest_]));
  const bool slot = !draining_ && in_flight_ < limit();
  if (slot && breaker_.open() && !ready_.empty()) wake = std::min(wake, breaker_.next_probe());
  return wake;
}

}  // namespace postoffice::core
