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

std::vector<FetchOrder> FetchStage::begin(Timestamp now) {
  time_out(now);
  retry_due(now);
  std::vector<FetchOrder> orders;
  const auto retries_max = std::max<std::size_t>(1, limit() / 4);
  while (!draining_ && in_flight_.size() < limit() && breaker_.allows(now)) {
    const EntryIndex index = ready_.pop(now, retries_in_flight_ >= retries_max);
    if (index == no_entry) break;
    Entry& entry = ledger_[index];
    entry.stage = Stage::fetching;
    const bool retry = entry.attempts > 0;
    const auto token = ++last_token_;
    in_flight_.emplace(token, Fetch{index, now, retry});
    deadlines_.push_back({token, now + options_.fetch_timeout + timeout_grace});
    if (retry) ++retries_in_flight_;
    breaker_.begun(now);
    ++counters_.fetches;
    orders.push_back({token, entry.id});
  }
  limit_.reached(in_flight_.size() >= limit() && !ready_.empty());
  return orders;
}

void FetchStage::fetched(std::uint64_t token, const FetchResult& result, Timestamp now) {
  const auto place = in_flight_.find(token);
  if (place == in_flight_.end()) return;
  const Fetch fetch = place->second;
  in_flight_.erase(place);
  if (fetch.retry) --retries_in_flight_;
  const EntryIndex index = fetch.index;
  const bool other = !result.error && result.id != ledger_[index].id;
  if (other && !planted(PlantedBug::answer_about_another_id)) {
    failed(index, {Error::bad_answer, 0, false, {}, "answer is about another id"}, now);
  } else if (!result.error || result.error == Error::not_found) {
    answered(index, fetch, result, now);
  } else {
    failed(index, result, now);
  }
}

void FetchStage::answered(EntryIndex index, const Fetch& fetch, const FetchResult& result,
                          Timestamp now) {
  breaker_.answered();
  limit_.answered(now - fetch.began, options_.fetch_concurrency, now);
  Entry& entry = ledger_[index];
  entry.attempts = 0;
  failures_.erase(index);
  const bool dirty = entry.stage == Stage::dirty;
  entry.stage = Stage::idle;
  Outcome outcome;
  outcome.index = index;
  outcome.kind = result.error ? Outcome::Kind::not_found : Outcome::Kind::answer;
  outcome.online = result.online;
  outcome.fetched_at = planted(PlantedBug::answer_dated_by_its_end) ? now : fetch.began;
  add_outcome(std::move(outcome));
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
  Outcome outcome;
  outcome.index = index;
  outcome.kind = Outcome::Kind::dead;
  outcome.received_at = entry.last_receipt;
  outcome.failed_at = now;
  outcome.attempts = entry.attempts;
  outcome.reason = std::move(failures_[index]);
  failures_.erase(index);
  entry.attempts = 0;
  entry.stage = Stage::idle;
  add_outcome(std::move(outcome));
}

void FetchStage::add_outcome(Outcome outcome) {
  ++ledger_[outcome.index].storing;
  outcomes_.push_back(std::move(outcome));
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

void FetchStage::time_out(Timestamp now) {
  while (!deadlines_.empty()) {
    const auto [token, when] = deadlines_.front();
    const bool running = in_flight_.contains(token);
    if (running && when > now) return;
    deadlines_.pop_front();
    if (running) fetched(token, {Error::timed_out, 0, false, {}, {}}, now);
  }
}

Timestamp FetchStage::wake() const {
  Timestamp wake = Timestamp::max();
  if (!retries_.empty()) wake = std::min(wake, retries_.next());
  if (!deadlines_.empty()) wake = std::min(wake, deadlines_.front().when);
  const bool slot = !draining_ && in_flight_.size() < limit();
  if (slot && breaker_.open() && !ready_.empty()) wake = std::min(wake, breaker_.next_probe());
  return wake;
}

}  // namespace postoffice::core
