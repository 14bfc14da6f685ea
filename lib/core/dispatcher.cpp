#include "core/dispatcher.hpp"

#include <algorithm>
#include <cassert>
#include <span>
#include <utility>

#include "base/checked_count.hpp"

namespace postoffice::core {
namespace {

// Receipts of the overflow that are admitted in one round, at most.
constexpr std::size_t admitted_max = 8'192;

}  // namespace

void Actions::clear() {
  fetches.clear();
  applies.clear();
  expire.reset();
  requeues.clear();
  acknowledge.reset();
  read = false;
  next_wake_at = Timestamp::max();
}

Dispatcher::Dispatcher(const PipelineOptions& options, std::uint64_t seed)
    : options_(options),
      ledger_(seed),
      fetches_(ledger_, counters_, options_, seed),
      store_(ledger_, counters_, options_),
      expiry_(ledger_, counters_, options_),
      requeue_(ledger_, counters_, options_) {}

void Dispatcher::delivered(const Delivery& delivery, Timestamp now) {
  for (const QueuedCallback& entry : delivery.entries) deliver_record(entry, delivery, now);
}

void Dispatcher::deliver_record(const QueuedCallback& entry, const Delivery& delivery,
                                Timestamp now) {
  last_delivered_ = std::max(last_delivered_, entry.sequence);
  if (entry.carried) return resolve(requeue_.delivered(entry, delivery, watermark_, now));
  // A publisher whose clock is behind may just have been heard for the first time, and the frontier
  // may have passed this callback unnoticed. The watermark must wait for its touches.
  watermark_ = std::max(Timestamp{}, std::min(watermark_, entry.received_at));
  for (auto place = entry.ids_begin; place != entry.ids_end; ++place) {
    if (place % Ledger::lookahead == 0) ledger_.prepare(std::span(delivery.ids).subspan(place));
    receive(delivery.ids[place], entry.received_at, entry.sequence, now);
  }
}

void Dispatcher::receive(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  ++counters_.delivered;
  if (!room() || overtaken(received_at)) [[unlikely]] {
    if (must_wait(id)) return receive_without_room(id, received_at, sequence, now);
  }
  const EntryIndex index = ledger_.find_or_add(id);
  enter(index, received_at, sequence, now);
  store_.touches().add(index, received_at, sequence, now);
}

// True if there is no room, or if a newer receipt waits, which may be of the same id (Backlog).
bool Dispatcher::must_wait(ObjectId id) const {
  const EntryIndex index = ledger_.find(id);
  return index == no_entry || ledger_[index].stage == Stage::idle;
}

void Dispatcher::receive_without_room(ObjectId id, Timestamp received_at, Sequence sequence,
                                      Timestamp now) {
  // An id that is known may have a row, which is touched at once. It also enters the line while
  // there is memory, so that it takes no more memory however often it comes. For all others, the
  // backlog holds all that is needed.
  const EntryIndex index = ledger_.recall(id);
  const bool enters =
      index != no_entry && ledger_.unserved() < options_.pending_ids_max && !overtaken(received_at);
  if (enters) {
    enter(index, received_at, sequence, now);
    store_.touches().add(index, received_at, sequence, now);
    return;
  }
  requeue_.overflow(id, received_at, sequence, now);
  if (index == no_entry) return;
  ledger_[index].last_receipt = std::max(ledger_[index].last_receipt, received_at);
  expiry_.watch(index);
  store_.touches().add(index, received_at, sequence, now);
}

void Dispatcher::enter(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now,
                       bool waited) {
  Entry& entry = ledger_[index];
  const bool past_ttl = entry.last_receipt + options_.ttl < now;
  // Records that an earlier run requeued come after newer receipts of their ids. The newer ones
  // must be kept.
  const bool newest = received_at >= entry.last_receipt;
  entry.last_receipt = std::max(entry.last_receipt, received_at);
  expiry_.watch(index);
  if (newest || !entry.in_unserved()) ledger_.set_unserved(index, sequence);
  fetches_.owe(index, received_at, past_ttl, now, waited);
  newest_in_line_ = std::max(newest_in_line_, received_at);
}

// Newest first, while there is room: see Backlog.
void Dispatcher::admit_overflow(Timestamp now) {
  const Timestamp too_old = now - options_.ttl;
  requeue_.expire(too_old);
  std::size_t left = draining_ ? 0 : admitted_max;
  while (left > 0 && room() && requeue_.newest_overflow() >= too_old) {
    admit(requeue_.take_overflow(), now);
    --left;
  }
  more_to_admit_ = left == 0 && !draining_;
}

void Dispatcher::admit(const Backlog::Receipt& receipt, Timestamp now) {
  const auto& [id, received_at, sequence, touched] = receipt;
  const EntryIndex index = ledger_.find_or_add(id);
  Entry& entry = ledger_[index];
  if (entry.last_receipt > received_at || entry.stage != Stage::idle) {
    ++counters_.merged;
    entry.last_receipt = std::max(entry.last_receipt, received_at);
  } else {
    enter(index, received_at, sequence, now, received_at < newest_in_line_);
    requeue_.entered(received_at);
  }
  if (touched) {
    store_.touches().add_missing(index, now);
  } else {
    store_.touches().add(index, received_at, sequence, now);
  }
  ledger_.release_if_unused(index);
}

// Ids that have rows are watched from now on. If an id's newest receipt is not on its row yet (an
// answer with an older receipt was in the same transaction, or is still to come), it is touched
// again.
void Dispatcher::overflow_touched(const TouchStage::BacklogEnded& ended, Timestamp now) {
  std::vector<ObjectId> missing = ended.missing;
  std::sort(missing.begin(), missing.end());
  auto without = missing.begin();
  for (const auto& [id, last_seen] : ended.touches) {
    while (without != missing.end() && *without < id) ++without;
    const bool no_row = without != missing.end() && *without == id;
    const EntryIndex index = no_row ? ledger_.find(id) : ledger_.find_or_add(id);
    if (index == no_entry) continue;
    Entry& entry = ledger_[index];
    const bool newer = entry.last_receipt < last_seen;
    if (newer && entry.last_receipt != Timestamp{}) {
      const Sequence first = requeue_.first_overflow();
      store_.touches().add(index, std::min(last_seen, watermark_), first, now);
    }
    entry.last_receipt = std::max(entry.last_receipt, last_seen);
    expiry_.watch(index);
    ledger_.release_if_unused(index);
  }
  if (ended.last) requeue_.end_touches();
}

// These ids waited for longer than ttl since their last receipt and were never tried. An answer now
// would come too late to matter.
void Dispatcher::end_too_old() {
  for (const EntryIndex index : fetches_.too_old()) {
    count_down(counters_.pending);
    ++counters_.expired;
    resolve(index);
  }
  fetches_.too_old().clear();
}

void Dispatcher::fetched(std::uint64_t token, const FetchResult& result, Timestamp now) {
  fetches_.fetched(token, result, now);
}

void Dispatcher::applied(std::uint64_t token, std::error_code error, const Applied& applied,
                         Timestamp now) {
  resolve(store_.applied(token, error, applied, now));
  if (!requeue_.touching()) return;
  if (const auto ended = store_.touches().take_backlog_ended()) overflow_touched(*ended, now);
}

void Dispatcher::expired(std::error_code error, const Expired& done, Timestamp now) {
  expiry_.ended(error, done, now);
}

void Dispatcher::requeued(std::uint64_t token, std::error_code error, Sequence receipt,
                          Timestamp now) {
  resolve(requeue_.appended(token, error, receipt, watermark_, now));
}

// Takes the id off the unserved list once nothing is owed to it any more, and releases its entry
// once nothing refers to that.
void Dispatcher::resolve(EntryIndex index) {
  if (!ledger_.active(index)) return;
  const Entry& entry = ledger_[index];
  if (entry.stage == Stage::idle && entry.storing == 0) ledger_.set_served(index);
  // An id that expired while it was pending may have got a row since then, so it is watched again.
  expiry_.watch(index);
  ledger_.release_if_unused(index);
}

void Dispatcher::resolve(const std::vector<EntryIndex>& indices) {
  for (const EntryIndex index : indices) resolve(index);
}

void Dispatcher::change(const PipelineOptions& options, Timestamp now) {
  const Duration timeout = options_.fetch_timeout;
  options_.ttl = options.ttl;
  options_.keep = options.keep;
  options_.fetch_timeout = options.fetch_timeout;
  fetches_.options_changed(timeout, now);
}

void Dispatcher::drain() {
  draining_ = true;
  fetches_.drain();
}

Actions& Dispatcher::act(Timestamp now, Timestamp frontier, Timestamp clock_floor,
                         Sequence acknowledge_target) {
  Actions& actions = actions_;
  actions.clear();
  line_ = std::max(line_min, 2 * fetches_.limit());
  more_to_admit_ = false;
  if (requeue_.size() > 0) admit_overflow(now);
  fetches_.begin(now, actions.fetches);
  end_too_old();
  store_.add(fetches_.outcomes());
  advance_watermark(frontier);
  if (!draining_) offer_touches();
  store_.begin(now, watermark_ - options_.ttl, draining_, actions.applies);
  if (!draining_) actions.expire = expiry_.begin(now, watermark_, clock_floor);
  requeue_.begin(now, {last_delivered_, acknowledged_, acknowledge_target, store_.first_touch()},
                 draining_, actions.requeues);
  acknowledge(actions);
  check(frontier);
  actions.read = store_.touches_waiting() < options_.known_ids_max &&
                 requeue_.size() < options_.waiting_ids_max;
  actions.next_wake_at =
      std::min({fetches_.next_wake_at(), store_.next_wake_at(), now + expiry_.pause()});
  if (more_to_admit_) actions.next_wake_at = now;
  return actions;
}

void Dispatcher::offer_touches() {
  auto touches = requeue_.begin_touches();
  if (!touches.empty()) store_.touches().offer(std::move(touches));
}

void Dispatcher::advance_watermark(Timestamp frontier) {
  if (!requeue_.freezes_watermark()) {
    const auto hold = std::min(store_.oldest_touch(), requeue_.hold());
    watermark_ = std::max(watermark_, std::min(frontier, hold));
  }
  watermark_ = std::max(Timestamp{}, std::min(watermark_, frontier));
}

// Checks I1, I2 and I4, as far as one instant shows them. (Receipts that are touched once more may
// lie below the watermark, so they say nothing about I2.) I3 is checked in ExpireStage::begin().
void Dispatcher::check([[maybe_unused]] Timestamp frontier) const {
  [[maybe_unused]] const EntryIndex unserved = ledger_.first_unserved();
  assert(acknowledged_ <= last_delivered_);
  assert(acknowledged_ < store_.first_touch());
  assert(acknowledged_ < requeue_.first());
  assert(unserved == no_entry || acknowledged_ < ledger_[unserved].position);
  assert(watermark_ <= std::max(frontier, Timestamp{}));
  assert(counters_.ended() + counters_.pending == counters_.delivered);
  assert(counters_.waiting.fetch.size() == fetches_.in_line() + fetches_.in_flight());
  assert(counters_.waiting.backoff.size() == fetches_.waiting());
}

void Dispatcher::acknowledge(Actions& actions) {
  Sequence keep = last_delivered_ + 1;
  keep = std::min(keep, store_.first_touch());
  const EntryIndex unserved = ledger_.first_unserved();
  if (unserved != no_entry) keep = std::min(keep, ledger_[unserved].position);
  keep = std::min(keep, requeue_.first());
  if (keep <= acknowledged_ + 1) return;
  acknowledged_ = keep - 1;
  actions.acknowledge = acknowledged_;
}

Timestamp Dispatcher::oldest_pending() const {
  const EntryIndex first = ledger_.first_unserved();
  const auto oldest = first == no_entry ? watermark_ : ledger_[first].last_receipt;
  return std::min(oldest, oldest_waiting());
}

Dispatcher::OldestWaiting Dispatcher::oldest_by_cause() {
  auto& waiting = counters_.waiting;
  return {waiting.fetch.oldest(), waiting.backoff.oldest(), waiting.store.oldest(),
          std::min(store_.oldest_touch(), requeue_.hold())};
}

bool Dispatcher::pending(Sequence sequence) const {
  if (requeue_.holds(sequence)) return true;
  for (EntryIndex index = ledger_.first_unserved(); index != no_entry;
       index = ledger_.next_unserved(index)) {
    if (ledger_[index].position >= sequence) return ledger_[index].position == sequence;
  }
  return false;
}

}  // namespace postoffice::core
