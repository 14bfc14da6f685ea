#include "core/dispatcher.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "planted_bug.hpp"

namespace postoffice::core {
namespace {

constexpr Duration sweep_every = std::chrono::milliseconds(250);
constexpr Duration scan_every = std::chrono::milliseconds(500);
constexpr Duration scan_margin = std::chrono::seconds(2);  // a shared store may be so far behind
constexpr Duration store_pause_max = std::chrono::seconds(2);
constexpr Duration mark_every = std::chrono::seconds(1);
constexpr Duration carry_again = std::chrono::seconds(1);
constexpr Duration hurry_every = std::chrono::milliseconds(100);

// Taken out of the backlog in one round.
constexpr std::size_t taken_ids_max = 8'192;

constexpr std::size_t carry_ids_max = 10'000;
constexpr std::size_t carry_waiting_ids_max = 200'000;  // a second, or ten times that in a hurry
constexpr std::size_t expire_ids_max = 10'000;
// Beyond this a scan is cheaper than a list.
constexpr std::size_t expired_ids_kept_max = 500'000;
constexpr std::size_t stuck_deletes_max = 10'000;
constexpr std::size_t stuck_again_max = 1'000;

}  // namespace

void Actions::clear() {
  fetches.clear();
  applies.clear();
  expire.reset();
  carries.clear();
  acknowledge.reset();
  read = false;
  wake = Timestamp::max();
}

Dispatcher::Dispatcher(const PipelineOptions& options, std::uint64_t seed)
    : options_(options),
      ledger_(seed),
      fetches_(ledger_, counters_, options_, seed),
      store_(ledger_, counters_, options_),
      expiry_(ledger_) {}

void Dispatcher::delivered(const Delivery& delivery, Timestamp now) {
  for (const postoffice::Entry& entry : delivery.entries) take_up(entry, delivery, now);
}

void Dispatcher::take_up(const postoffice::Entry& entry, const Delivery& delivery, Timestamp now) {
  last_delivered_ = std::max(last_delivered_, entry.sequence);
  if (entry.carried) {
    const auto waited = carried_.take(entry.receipt != 0 ? entry.receipt : entry.sequence);
    // A record whose append failed may turn up all the same; its ids still wait where they were.
    if (!waited) return;
    if (*waited) return return_waiting(entry, delivery, now);
  } else if (!planted(PlantedBug::watermark_never_back)) {
    // Of a publisher heard just now. The frontier may have passed this callback before anybody
    // looked; the watermark must wait for its touches.
    watermark_ = std::max(Timestamp{}, std::min(watermark_, entry.received_at));
  }
  for (auto place = entry.ids_begin; place != entry.ids_end; ++place) {
    if (place % Ledger::lookahead == 0) ledger_.prepare(std::span(delivery.ids).subspan(place));
    const ObjectId id = delivery.ids[place];
    if (entry.carried) {
      return_carried(id, entry.received_at, entry.sequence);
    } else {
      receive(id, entry.received_at, entry.sequence, now);
    }
  }
}

void Dispatcher::receive(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  ++counters_.delivered;
  if (!room() || overtaken(received_at)) [[unlikely]] {
    if (must_wait(id)) return make_wait(id, received_at, sequence, now);
  }
  const EntryIndex index = ledger_.find_or_add(id);
  enter(index, received_at, sequence, now);
  store_.touches().add(index, received_at, sequence, now);
}

void Dispatcher::make_wait(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  // One that is known may have a row: that is touched at once. It stands in line, too, as long as
  // there is memory, so that it takes no more however often it comes. Of the others the backlog
  // knows all that it takes.
  const EntryIndex index = ledger_.recall(id);
  const bool enters =
      index != no_entry && ledger_.unserved() < options_.pending_ids_max && !overtaken(received_at);
  if (enters) {
    enter(index, received_at, sequence, now);
    store_.touches().add(index, received_at, sequence, now);
    return;
  }
  ++counters_.pending;
  backlog_.add(id, received_at, sequence, now);
  if (index == no_entry) return;
  ledger_[index].last_receipt = std::max(ledger_[index].last_receipt, received_at);
  expiry_.add(index);
  store_.touches().add(index, received_at, sequence, now);
}

// Without room, or where a newer receipt waits, which may be one of the same id (Backlog).
bool Dispatcher::must_wait(ObjectId id) const {
  const EntryIndex index = ledger_.find(id);
  return index == no_entry || ledger_[index].stage == Stage::idle;
}

void Dispatcher::enter(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now,
                       bool waited) {
  Entry& entry = ledger_[index];
  const bool aged = entry.last_receipt + options_.ttl < now;
  // Records that an earlier run carried forward come after newer receipts: those must be kept.
  const bool newest = received_at >= entry.last_receipt;
  entry.last_receipt = std::max(entry.last_receipt, received_at);
  expiry_.add(index);
  if (newest || !entry.in_unserved) ledger_.set_unserved(index, sequence);
  fetches_.owe(index, aged, now, waited);
  newest_in_line_ = std::max(newest_in_line_, received_at);
}

// The id has stood in the ledger all the time; from now on the new record keeps it.
void Dispatcher::return_carried(ObjectId id, Timestamp received_at, Sequence sequence) {
  const EntryIndex index = ledger_.find(id);
  if (index == no_entry || !ledger_[index].carrying) return;
  ledger_[index].carrying = false;
  const bool current = ledger_[index].in_unserved && ledger_[index].last_receipt == received_at;
  if (current) ledger_.set_unserved(index, sequence);
  resolve(index);
}

// The ids were in the queue alone. If an older receipt went on here meanwhile it may have led to a
// row since their touches found none, a row older by any time: until they are touched once more the
// watermark stays where it is.
void Dispatcher::return_waiting(const postoffice::Entry& entry, const Delivery& delivery,
                                Timestamp now) {
  const auto ids =
      std::span(delivery.ids).subspan(entry.ids_begin, entry.ids_end - entry.ids_begin);
  away_.erase(away_.find(entry.received_at));
  away_ids_ -= ids.size();
  const bool again = overtook_away_ && !planted(PlantedBug::passed_by_returned);
  const auto hold = again ? std::min(entry.received_at, watermark_) : Timestamp::max();
  backlog_.put_back({{ids.begin(), ids.end()}, entry.received_at, entry.sequence}, hold, now);
}

// Newest first, as far as there is room: see Backlog.
void Dispatcher::take_from_backlog(Timestamp now) {
  const Timestamp too_old = now - options_.ttl;
  const auto dropped = backlog_.drop(too_old);
  counters_.expired += dropped;
  counters_.pending -= dropped;
  std::size_t left = draining_ ? 0 : taken_ids_max;
  while (left > 0 && room() && !backlog_.empty() && backlog_.newest() >= too_old) {
    go_on_here(backlog_.take(), now);
    --left;
  }
  more_to_take_ = left == 0 && !draining_;
}

void Dispatcher::go_on_here(const Backlog::Receipt& receipt, Timestamp now) {
  const auto& [id, received_at, sequence, touched] = receipt;
  --counters_.pending;  // counted again as it enters
  const EntryIndex index = ledger_.find_or_add(id);
  Entry& entry = ledger_[index];
  if (entry.last_receipt > received_at || entry.stage != Stage::idle) {
    ++counters_.merged;
    entry.last_receipt = std::max(entry.last_receipt, received_at);
  } else {
    enter(index, received_at, sequence, now, received_at < newest_in_line_);
    if (!away_.empty() && *away_.rbegin() > received_at) overtook_away_ = true;
  }
  if (touched) {
    store_.touches().add_missing(index, now);
  } else {
    store_.touches().add(index, received_at, sequence, now);
  }
  ledger_.rest(index);
}

// Those that have rows are watched from now on. Whose newest receipt is in no row yet, since an
// answer with an older one went in the same transaction, or is still to come, is touched again.
void Dispatcher::learn(const TouchStage::BacklogEnded& ended, Timestamp now) {
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
      store_.touches().add(index, std::min(last_seen, watermark_), backlog_.first(), now);
    }
    entry.last_receipt = std::max(entry.last_receipt, last_seen);
    expiry_.add(index);
    ledger_.rest(index);
  }
  if (ended.last) backlog_.end_touches();
}

// They waited for longer than ttl since their last receipt, and were never tried: whatever the
// source said now would come too late to matter.
void Dispatcher::end_too_old() {
  for (const EntryIndex index : fetches_.too_old()) {
    --counters_.pending;
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
  for (const EntryIndex index : store_.applied(token, error, applied, now)) resolve(index);
  if (!backlog_.touching()) return;
  if (const auto ended = store_.touches().take_backlog_ended()) learn(*ended, now);
}

// Takes the id off the unserved list once nothing is owed to it any more, and lets it rest once
// nothing at all is going on.
void Dispatcher::resolve(EntryIndex index) {
  if (!ledger_.active(index)) return;
  const Entry& entry = ledger_[index];
  if (entry.stage == Stage::idle && entry.storing == 0) ledger_.set_served(index);
  // An id that expired while it was pending may have got a row since: look at it once more.
  expiry_.add(index);
  ledger_.rest(index);
}

void Dispatcher::expired(std::error_code error, const Expired& done, Timestamp now) {
  expire_in_flight_ = false;
  if (error) {
    const auto doublings = std::min(expire_failures_++, 4);
    next_sweep_ = now + std::min(sweep_every * (1 << doublings), store_pause_max);
    for (const ObjectId id : tried_again_) stuck_deletes_.postpone(id, now);
    return;
  }
  expire_failures_ = 0;
  counters_.deleted += done.deleted;
  const auto sent = std::min(expired_ids_.size(), expire_ids_max);
  expired_ids_.erase(expired_ids_.begin(), expired_ids_.begin() + static_cast<long>(sent));
  if (!expired_ids_.empty()) next_sweep_ = now;
  if (scan_in_flight_) {
    scan_in_flight_ = false;
    scanned_ = scan_cutoff_;
    oldest_left_ = done.oldest_left;
    if (unwatched_until_ == Timestamp::max()) unwatched_until_ = now;
    next_scan_ = now + options_.ttl;
  }
  take_refused(done, now);
}

// What could not be deleted is tried again by itself: nobody watches its id any more.
void Dispatcher::take_refused(const Expired& done, Timestamp now) {
  const auto by_id = [](const Refusal& left, const Refusal& right) { return left.id < right.id; };
  for (const ObjectId id : tried_again_) {
    const bool again =
        std::binary_search(done.refused.begin(), done.refused.end(), Refusal{.id = id}, by_id);
    if (!again) stuck_deletes_.erase(id);
  }
  tried_again_.clear();
  for (const Refusal& refusal : done.refused) {
    if (stuck_deletes_.size() < stuck_deletes_max || stuck_deletes_.find(refusal.id)) {
      stuck_deletes_.refused(refusal, now);
    } else {
      unwatched(scan_cutoff_);
    }
  }
}

// Rows that nobody watches may have come due since the last scan. How far the cutoff has come
// decides, not the time: where it stands still a scan finds nothing, and once it has leapt the rows
// are overdue.
bool Dispatcher::scan_due(Timestamp now, Timestamp cutoff) {
  scanned_ = std::min(scanned_, cutoff);
  const bool any = may_be_unwatched(scanned_) && oldest_left_ <= unwatched_until_;
  const bool passed = cutoff >= scanned_ + scan_every && cutoff > oldest_left_;
  return now >= next_scan_ || (any && passed);
}

// After a scan by that cutoff.
bool Dispatcher::may_be_unwatched(Timestamp scanned) const {
  return scanned - scan_margin <= unwatched_until_;
}

// Never while a scan is under way: ids are forgotten before one begins.
void Dispatcher::unwatched(Timestamp last_receipt) {
  unwatched_until_ = std::max(unwatched_until_, last_receipt);
  oldest_left_ = {};
}

void Dispatcher::carried(std::uint64_t token, std::error_code error, Sequence receipt,
                         Timestamp now) {
  const auto place = carries_.find(token);
  if (place == carries_.end()) return;
  if (error) carried_.failed();
  if (error && place->second.waiting) {
    // A full queue takes no carried ids, and is not trimmed before it has: so they wait here.
    auto& [received_at, ids, first, waiting, ordered] = place->second;
    away_.erase(away_.find(received_at));
    away_ids_ -= ids.size();
    const auto hold = overtook_away_ ? std::min(received_at, watermark_) : Timestamp::max();
    backlog_.put_back({std::move(ids), received_at, first}, hold, {}, now + carry_again);
    carries_.erase(place);
    return;
  }
  if (error) {
    for (const ObjectId id : place->second.ids) {
      const EntryIndex index = ledger_.find(id);
      if (index == no_entry) continue;
      ledger_[index].carrying = false;
      resolve(index);
    }
  } else {
    carried_.add(receipt, place->second.waiting);
  }
  carries_.erase(place);
}

void Dispatcher::drain() {
  draining_ = true;
  fetches_.drain();
}

Actions& Dispatcher::act(Timestamp now, Timestamp frontier, Timestamp recorded, Sequence crowded) {
  Actions& actions = actions_;
  actions.clear();
  line_ = std::max(line_min, 2 * fetches_.limit());
  more_to_take_ = false;
  if (!backlog_.empty()) take_from_backlog(now);
  fetches_.begin(now, actions.fetches);
  end_too_old();
  store_.add(fetches_.outcomes());
  advance_watermark(frontier);
  if (!draining_ && !backlog_.empty()) {
    auto touches = backlog_.begin_touches(options_.batch_rows_max);
    if (!touches.empty()) store_.touches().offer(std::move(touches));
  }
  store_.begin(now, watermark_ - options_.ttl, draining_, actions.applies);
  if (planted(PlantedBug::recorded_time_ignored)) recorded = Timestamp::max();
  const auto seen = planted(PlantedBug::swept_by_the_clock) ? now : caught_up_watermark(now);
  if (!draining_) sweep(actions, now, std::min(seen - options_.ttl, recorded));
  carry(actions, now, crowded);
  acknowledge(actions);
  note_behind(now);
  actions.read = store_.touches_waiting() < options_.known_ids_max &&
                 backlog_.size() < options_.waiting_ids_max;
  actions.wake = std::min({fetches_.wake(), store_.wake(), now + sweep_pause()});
  if (more_to_take_) actions.wake = now;
  return actions;
}

void Dispatcher::note_behind(Timestamp now) {
  if (waiting_ids() == 0) {
    behind_since_ = Timestamp::max();
  } else if (behind_since_ == Timestamp::max()) {
    behind_since_ = now;
  }
}

Timestamp Dispatcher::oldest_waiting() const {
  Timestamp oldest = backlog_.empty() ? Timestamp::max() : backlog_.oldest();
  if (!away_.empty()) oldest = std::min(oldest, *away_.begin());
  return oldest;
}

Duration Dispatcher::sweep_pause() const {
  return options_.beat.count() > 0 ? std::min<Duration>(sweep_every, options_.beat) : sweep_every;
}

void Dispatcher::advance_watermark(Timestamp frontier) {
  if (away_.empty()) overtook_away_ = false;
  if (!overtook_away_ || planted(PlantedBug::forgotten_while_away)) {
    const bool blind = planted(PlantedBug::watermark_ignores_touches);
    const auto hold = std::min(store_.oldest_touch(), backlog_.hold());
    watermark_ = std::max(watermark_, blind ? frontier : std::min(frontier, hold));
  }
  if (planted(PlantedBug::watermark_never_back)) return;
  watermark_ = std::max(Timestamp{}, std::min(watermark_, frontier));
}

// An earlier run may have forgotten ids while some of their receipts were on their way round, and
// given one a row by an older receipt than it had dropped. A later one is in the queue: once all
// that it held at the start is touched, the row is right.
Timestamp Dispatcher::caught_up_watermark(Timestamp now) {
  if (began_ == Timestamp{}) began_ = now;
  caught_up_ = caught_up_ || watermark_ >= began_;
  return caught_up_ || planted(PlantedBug::swept_before_caught_up) ? watermark_ : Timestamp{};
}

void Dispatcher::sweep(Actions& actions, Timestamp now, Timestamp cutoff) {
  if (expire_in_flight_ || now < next_sweep_) return;
  next_sweep_ = now + sweep_pause();
  for (const KnownIndex index : expiry_.take_expired(cutoff)) {
    expired_ids_.push_back(ledger_.known(index).id);
    if (!ledger_.known(index).active()) ledger_.forget(index);
  }
  if (ledger_.size() > options_.known_ids_max) forget_oldest();
  if (expired_ids_.size() > expired_ids_kept_max) {
    expired_ids_.clear();
    unwatched(cutoff);
    next_scan_ = now;
  }
  scan_in_flight_ = scan_due(now, cutoff);
  const bool beat = options_.beat.count() > 0 && now >= next_beat_;
  tried_again_ = stuck_deletes_.take_due(now, stuck_again_max);
  if (expired_ids_.empty() && !scan_in_flight_ && !beat && tried_again_.empty()) return;
  next_beat_ = now + options_.beat;
  scan_cutoff_ = cutoff;
  const auto count = std::min(expired_ids_.size(), expire_ids_max);
  Expiry expiry{cutoff,
                {expired_ids_.begin(), expired_ids_.begin() + static_cast<long>(count)},
                scan_in_flight_,
                cutoff + options_.ttl,
                {},
                may_be_unwatched(cutoff)};
  expiry.ids.insert(expiry.ids.end(), tried_again_.begin(), tried_again_.end());
  std::sort(expiry.ids.begin(), expiry.ids.end());
  expiry.ids.erase(std::unique(expiry.ids.begin(), expiry.ids.end()), expiry.ids.end());
  actions.expire = std::move(expiry);
  expire_in_flight_ = true;
}

// Too many ids for the memory granted: expiry by scan replaces exact knowledge for a while.
void Dispatcher::forget_oldest() {
  std::vector<EntryIndex> touched;
  while (ledger_.size() > options_.known_ids_max && !expiry_.empty()) {
    for (const KnownIndex index : expiry_.take_oldest()) {
      const Known& known = ledger_.known(index);
      if (!known.active()) {
        unwatched(known.last_receipt());
        ledger_.forget(index);
      } else if (!ledger_[known.entry()].in_unserved) {
        touched.push_back(known.entry());
      }
    }
  }
  for (const EntryIndex index : touched) expiry_.add(index);
}

void Dispatcher::carry(Actions& actions, Timestamp now, Sequence crowded) {
  const bool hurry = crowded > acknowledged_ && now >= hurry_again_;
  const bool mark = marks_.empty() || now >= marks_.back().when + mark_every;
  if (hurry) hurry_again_ = now + hurry_every;
  if (mark) marks_.push_back({now, last_delivered_});
  if ((mark || hurry) && !draining_) {
    carry_aged(now, crowded);
    carry_waiting(now, crowded);
  }
  for (auto& [token, carry] : carries_) {
    if (std::exchange(carry.ordered, true)) continue;
    counters_.carried += carry.ids.size();
    actions.carries.push_back({token, carry.received_at, carry.ids});
  }
}

// What waits in the queue alone stays where it is, until it is in the way there.
void Dispatcher::carry_waiting(Timestamp now, Sequence crowded) {
  for (std::size_t count = 0; count < carry_waiting_ids_max;) {
    auto [ids, received_at, sequence] = backlog_.carry(crowded, now - options_.carry_after, now);
    if (ids.empty()) break;
    count += ids.size();
    away_.insert(received_at);
    away_ids_ += ids.size();
    carries_.emplace(++last_carry_, Carry{received_at, std::move(ids), sequence, true});
  }
}

// Ids that stand in the queue for too long, or in its way, are carried forward, unless touches hold
// the queue anyway.
void Dispatcher::carry_aged(Timestamp now, Sequence crowded) {
  Sequence horizon = crowded;
  while (!marks_.empty() && marks_.front().when + options_.carry_after <= now) {
    horizon = std::max(horizon, marks_.front().sequence);
    if (marks_.size() == 1 || marks_[1].when + options_.carry_after > now) break;
    marks_.pop_front();
  }
  const Sequence held_anyway = store_.first_touch();
  std::map<Timestamp, Carry> aged;
  std::size_t count = 0;
  for (EntryIndex index = ledger_.first_unserved(); index != no_entry && count < carry_ids_max;
       index = ledger_.next_unserved(index)) {
    Entry& entry = ledger_[index];
    if (entry.position > horizon || entry.position >= held_anyway) break;
    if (entry.carrying) continue;
    entry.carrying = true;
    ++count;
    Carry fresh{entry.last_receipt, {}, entry.position, false};
    aged.try_emplace(entry.last_receipt, std::move(fresh)).first->second.ids.push_back(entry.id);
  }
  for (auto& [received_at, carry] : aged) carries_.emplace(++last_carry_, std::move(carry));
}

void Dispatcher::acknowledge(Actions& actions) {
  Sequence keep = last_delivered_ + 1;
  if (!planted(PlantedBug::acknowledged_before_touch)) keep = std::min(keep, store_.first_touch());
  const bool unserved = ledger_.first_unserved() != no_entry;
  if (unserved && !planted(PlantedBug::acknowledged_before_commit)) {
    keep = std::min(keep, ledger_[ledger_.first_unserved()].position);
  }
  keep = std::min(keep, backlog_.first());
  for (const auto& [token, carry] : carries_) {
    if (!planted(PlantedBug::acknowledged_before_carried)) keep = std::min(keep, carry.first);
  }
  if (keep <= acknowledged_ + 1) return;
  acknowledged_ = keep - 1;
  actions.acknowledge = acknowledged_;
}

Timestamp Dispatcher::oldest_pending() const {
  const EntryIndex first = ledger_.first_unserved();
  const auto oldest = first == no_entry ? watermark_ : ledger_[first].last_receipt;
  return std::min(oldest, oldest_waiting());
}

bool Dispatcher::pending(Sequence sequence) const {
  if (backlog_.holds(sequence)) return true;
  for (EntryIndex index = ledger_.first_unserved(); index != no_entry;
       index = ledger_.next_unserved(index)) {
    if (ledger_[index].position >= sequence) return ledger_[index].position == sequence;
  }
  return false;
}

}  // namespace postoffice::core
