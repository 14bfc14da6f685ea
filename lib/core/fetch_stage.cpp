#include "core/fetch_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"
#include "postoffice/error.hpp"

namespace postoffice::core {
namespace {

// A source ends each fetch at its time limit. If it does not, the stage gives up this much later.
constexpr Duration timeout_grace = std::chrono::seconds(1);

// A Retry-After holds an id back for at most this time, and at most half of the ttl: an object that
// keeps being received must be tried again before its row would expire.
constexpr Duration retry_after_max = std::chrono::seconds(60);

}  // namespace

FetchStage::FetchStage(Ledger& ledger, Counters& counters, const PipelineOptions& options,
                       std::uint64_t seed)
    : ledger_(ledger),
      counters_(counters),
      options_(options),
      ready_(ledger, options.ttl, options.attempts_min),
      retries_(options.retry_min, options.retry_max, seed),
      limit_(options.fetch_limit_first, options.fetch_timeout),
      abandoned_(options.fetch_timeout) {}

void FetchStage::owe(EntryIndex index, Timestamp received_at, bool past_ttl, Timestamp now,
                     bool waited) {
  Entry& entry = ledger_[index];
  switch (entry.stage) {
    case Stage::idle:
      ++counters_.pending;
      entry.owed_since = received_at;
      put_in_line(index, now, waited);
      break;
    case Stage::queued:
      ++counters_.merged;
      if (past_ttl) ready_.push(index, now);  // no longer the last in line
      break;
    case Stage::waiting: ++counters_.merged; break;
    case Stage::fetching:
      ++counters_.pending;
      entry.owed_since = received_at;
      entry.stage = Stage::dirty;
      break;
    case Stage::dirty: ++counters_.merged; break;
  }
}

void FetchStage::put_in_line(EntryIndex index, Timestamp now, bool waited) {
  counters_.waiting.fetch.add(ledger_[index].owed_since);
  ready_.push(index, now, waited);
}

void FetchStage::wait_for_retry(EntryIndex index, Timestamp due) {
  ledger_[index].stage = Stage::waiting;
  counters_.waiting.backoff.add(ledger_[index].owed_since);
  retries_.add(index, due);
}

void FetchStage::options_changed(Duration timeout, Timestamp now) {
  ready_.set_ttl(options_.ttl, now);
  if (timeout == options_.fetch_timeout) return;
  timeout_before_ = in_flight_.empty() ? timeout : std::max(timeout, timeout_before_);
  timeout_from_ = now;
  limit_.set_timeout(options_.fetch_timeout);
  abandoned_.set_timeout(options_.fetch_timeout);
}

void FetchStage::begin(Timestamp now, std::vector<FetchOrder>& orders) {
  time_out(now);
  retry_due(now);
  ready_.drop_old(now);
  while (!draining_ && has_room(now)) {
    const EntryIndex index = next(now);
    if (index == no_entry) break;
    orders.push_back(order(index, now));
  }
  end_too_old(now);
  blocked_until_ = room_from(now);
  limit_.reached(!ready_.empty(), in_flight_.size(), now);
}

// Ids that were never tried are left to the caller: they do not become dead letters.
void FetchStage::end_too_old(Timestamp now) {
  std::erase_if(ready_.too_old(), [&](EntryIndex index) {
    counters_.waiting.fetch.remove(ledger_[index].owed_since);
    const bool tried = ledger_[index].attempts > 0;
    if (tried) give_up(index, now);
    return tried;
  });
}

bool FetchStage::has_room(Timestamp now) {
  if (in_flight_.size() >= limit()) return false;
  if (breaker_.open()) return breaker_.allows(now);
  if (now < limit_.held_until()) return false;
  // One fetch may always begin, to find out about the source.
  return in_flight_.empty() || in_flight_.size() + abandoned_.count(now) < limit();
}

// When a slot may become free without the end of a fetch; max if ids do not wait for that.
Timestamp FetchStage::room_from(Timestamp now) {
  if (draining_ || ready_.empty() || in_flight_.size() >= limit() || has_room(now)) {
    return Timestamp::max();
  }
  if (breaker_.open()) return breaker_.next_probe();
  return now < limit_.held_until() ? limit_.held_until() : abandoned_.next();
}

EntryIndex FetchStage::next(Timestamp now) {
  if (breaker_.open()) return ready_.pop(now, !breaker_.turn_of_retries());
  const auto quarter = std::max<std::size_t>(1, limit() / 4);
  auto among = ReadyQueue::Among::all;
  const auto half = std::max<std::size_t>(1, limit() / 2);
  if (stale_in_flight_ >= half) among = ReadyQueue::Among::live;
  if (retries_in_flight_ >= half) among = ReadyQueue::Among::new_ones;
  return ready_.pop(now, retries_in_flight_ >= quarter, among);
}

FetchOrder FetchStage::order(EntryIndex index, Timestamp now) {
  Entry& entry = ledger_[index];
  assert(entry.stage == Stage::queued && ledger_.active(index));
  entry.stage = Stage::fetching;
  breaker_.begun(now);
  ++counters_.fetches;
  return {enter_flight(index, now), entry.id};
}

std::uint64_t FetchStage::enter_flight(EntryIndex index, Timestamp now) {
  if (free_ == no_slot) {
    free_ = static_cast<Slot>(slots_.size());
    slots_.emplace_back();
  }
  const Slot slot = free_;
  Fetch& fetch = slots_[slot];
  free_ = fetch.next_free;
  assert(fetch.index == no_entry);
  fetch.index = index;
  ++fetch.use;
  fetch.began = now;
  fetch.owed_since = ledger_[index].owed_since;
  fetch.stale = ready_.stale(index, now);
  fetch.retry = !fetch.stale && ledger_[index].attempts > 0;
  in_flight_.push_back(slots_, slot);
  ++in_line_;
  fetch.in_line = true;
  if (line_ == no_slot) line_ = slot;
  if (fetch.retry) ++retries_in_flight_;
  if (fetch.stale) ++stale_in_flight_;
  fetch.alone = in_flight_.size() + abandoned_.count(now) <= ConcurrencyLimit::least;
  return std::uint64_t{fetch.use} << 32 | slot;
}

void FetchStage::leave_flight(Slot slot) {
  Fetch& fetch = slots_[slot];
  if (fetch.in_line) leave_line(slot);
  in_flight_.remove(slots_, slot);
  fetch.index = no_entry;
  fetch.next_free = std::exchange(free_, slot);
  if (fetch.retry) count_down(retries_in_flight_);
  if (fetch.stale) count_down(stale_in_flight_);
}

void FetchStage::leave_line(Slot slot) {
  assert(slots_[slot].in_line);
  if (line_ == slot) line_ = in_flight_.after(slots_, slot);
  slots_[slot].in_line = false;
  count_down(in_line_);
}

// A fetch that began then has been answered, so the source has reached all that began before it.
void FetchStage::overtake(Timestamp began) {
  abandoned_.answered(began);
  while (line_ != no_slot && slots_[line_].began < began) leave_line(line_);
}

ConcurrencyLimit::Load FetchStage::load(Timestamp now) {
  const std::size_t abandoned = abandoned_.count(now);
  return {in_flight_.size() + abandoned, in_line_ + abandoned};
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
  const Fetch fetch = slots_[slot];
  const EntryIndex index = fetch.index;
  leave_flight(slot);
  counters_.waiting.fetch.remove(fetch.owed_since);
  const bool other = !result.error && result.id != ledger_[index].id;
  const auto end = other ? FetchEnd::refused : end_of(result.error);
  counters_.durations.fetches[static_cast<std::size_t>(end)].add(now - fetch.began);
  if (other) {
    failed(index, fetch, {Error::bad_answer, 0, false, {}, "answer is about another id"}, now);
  } else if (!result.error || result.error == Error::not_found) {
    answered(index, fetch, result, now);
  } else {
    failed(index, fetch, result, now);
  }
}

void FetchStage::answered(EntryIndex index, const Fetch& fetch, const FetchResult& result,
                          Timestamp now) {
  breaker_.heard(now);
  overtake(fetch.began);
  limit_.answered(now - fetch.began, fetch.alone, load(now), options_.fetch_concurrency, now);
  Entry& entry = ledger_[index];
  assert(entry.stage == Stage::fetching || entry.stage == Stage::dirty);
  news_.answered(fetch.began, now);
  if (std::exchange(entry.attempts, 0) > 0) failures_.erase(index);
  const bool dirty = entry.stage == Stage::dirty;
  entry.stage = Stage::idle;
  Outcome& outcome = add_outcome(index, fetch.owed_since, now);
  outcome.kind = result.error ? Outcome::Kind::not_found : Outcome::Kind::answer;
  outcome.online = result.online;
  outcome.fetched_at = fetch.began;
  if (dirty) put_in_line(index, now);
}

void FetchStage::failed(EntryIndex index, const Fetch& fetch, const FetchResult& result,
                        Timestamp now) {
  ++counters_.fetch_failures;
  Entry& entry = ledger_[index];
  assert(entry.stage == Stage::fetching || entry.stage == Stage::dirty);
  heed_failure(entry, fetch.began, result.error, now);
  news_.failed(entry.id, entry.attempts == 0, result, now);
  if (entry.attempts < UINT16_MAX) ++entry.attempts;
  if (entry.stage == Stage::dirty) {  // what this fetch was for is now owed with the later receipt
    ++counters_.merged;
    count_down(counters_.pending);
  }
  entry.owed_since = fetch.owed_since;
  failures_[index] = result.reason.empty() ? result.error.message() : result.reason;
  if (may_give_up(entry, now)) return give_up(index, now);
  ++counters_.retries[static_cast<std::size_t>(end_of(result.error))];
  const auto floor = std::min<Duration>(result.retry_after, longest_pause());
  wait_for_retry(index, now + retries_.delay(entry.attempts, floor));
}

// What a failure says about the source, beside what it says about the id.
void FetchStage::heed_failure(const Entry& entry, Timestamp began, std::error_code error,
                              Timestamp now) {
  const bool open = breaker_.open();
  const bool timed_out = error == Error::timed_out;
  if (timed_out && abandoned_.overtaken(began)) {
    if (!open) limit_.lost(entry.attempts, now);
  } else if (timed_out) {
    breaker_.timed_out(began, now);
    abandoned_.add(began, limit_.rate(now), now);
    if (!open) limit_.late(now);
  } else if (error == Error::unavailable) {
    breaker_.not_connected(now);
    if (!open) limit_.lost(entry.attempts, now);
  } else if (!is_word_of_source(error)) {
    breaker_.not_connected(now);
  } else if (error == Error::overloaded) {
    breaker_.heard(now);
    limit_.lost(entry.attempts, now);
  } else {
    breaker_.heard(now);
    overtake(began);
    limit_.failed(load(now), options_.fetch_concurrency, now);
  }
  if (!open && breaker_.open()) limit_.nobody_answers(now);
}

Duration FetchStage::longest_pause() const {
  return std::min<Duration>(retry_after_max, options_.ttl / 2);
}

bool FetchStage::may_give_up(const Entry& entry, Timestamp now) const {
  const bool past_ttl = now >= entry.last_receipt + options_.ttl;
  return past_ttl && entry.attempts >= options_.attempts_min;
}

void FetchStage::give_up(EntryIndex index, Timestamp now) {
  Entry& entry = ledger_[index];
  Outcome& outcome = add_outcome(index, entry.owed_since, now);
  outcome.kind = Outcome::Kind::dead;
  outcome.given_up = std::make_unique<Outcome::GivenUp>(
      Outcome::GivenUp{entry.last_receipt, now, entry.attempts, std::move(failures_[index])});
  const auto& given_up = *outcome.given_up;
  newest_dead_ = {now, given_up.received_at, entry.id, given_up.attempts, given_up.reason};
  failures_.erase(index);
  entry.attempts = 0;
  entry.stage = Stage::idle;
}

Outcome& FetchStage::add_outcome(EntryIndex index, Timestamp received_at, Timestamp now) {
  count_up(ledger_[index].storing);
  counters_.waiting.store.add(now);
  Outcome& outcome = outcomes_.emplace_back();
  outcome.index = index;
  outcome.received_at = received_at;
  outcome.since = now;
  return outcome;
}

void FetchStage::retry_due(Timestamp now) {
  for (EntryIndex index; (index = retries_.take_due(now)) != no_entry;) {
    const Entry& entry = ledger_[index];
    assert(entry.stage == Stage::waiting);
    counters_.waiting.backoff.remove(entry.owed_since);
    if (may_give_up(entry, now)) {
      give_up(index, now);
    } else if (breaker_.allows(now) || ready_.empty()) {
      put_in_line(index, now);
    } else {
      // Kept here rather than in line while the breaker is open, so that it can be given up in
      // time.
      wait_for_retry(index, now + retries_.delay(entry.attempts, CircuitBreaker::probe_every));
    }
  }
}

Timestamp FetchStage::deadline(const Fetch& fetch) const {
  const bool before = fetch.began <= timeout_from_;
  const Duration timeout = before ? timeout_before_ : Duration(options_.fetch_timeout);
  return fetch.began + timeout + timeout_grace;
}

void FetchStage::time_out(Timestamp now) {
  while (!in_flight_.empty() && deadline(slots_[in_flight_.first()]) <= now) {
    ended(in_flight_.first(), {Error::timed_out, 0, false, {}, {}}, now);
  }
}

bool FetchStage::source_silent(Timestamp now) const {
  const bool asked = !in_flight_.empty() || !ready_.empty() || !retries_.empty();
  return breaker_.open() && (asked || !breaker_.allows(now));
}

FetchNews FetchStage::news() const {
  FetchNews news = news_.news();
  if (line_ != no_slot) news.oldest_in_line = slots_[line_].began;
  return news;
}

Timestamp FetchStage::next_wake_at() const {
  Timestamp wake = Timestamp::max();
  if (!retries_.empty()) wake = std::min(wake, retries_.next());
  if (!in_flight_.empty()) wake = std::min(wake, deadline(slots_[in_flight_.first()]));
  return std::min(wake, blocked_until_);
}

}  // namespace postoffice::core
