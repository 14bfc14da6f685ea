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

// When the window is full, spilled ids go round through the queue; this keeps the disk from
// spinning, and still lets a touch reach its row within a second.
constexpr Duration read_pause = std::chrono::milliseconds(200);

constexpr std::size_t carry_ids_max = 10'000;
constexpr std::size_t expire_ids_max = 10'000;
// Beyond this a scan is cheaper than a list.
constexpr std::size_t expired_ids_kept_max = 500'000;

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
  order_spilled(now);
}

void Dispatcher::take_up(const postoffice::Entry& entry, const Delivery& delivery, Timestamp now) {
  std::optional<bool> spilled;
  if (entry.carried) {
    spilled = carried_.take(entry.receipt != 0 ? entry.receipt : entry.sequence);
  }
  // A record whose append failed may turn up all the same; its ids still wait where they were.
  const bool unknown = entry.carried && !spilled;
  // Of a publisher heard just now. The frontier may have passed this callback before anybody
  // looked; the watermark must wait for its touches.
  if (!entry.carried && !planted(PlantedBug::watermark_never_back)) {
    watermark_ = std::max(Timestamp{}, std::min(watermark_, entry.received_at));
  }
  for (auto place = entry.ids_begin; place != entry.ids_end && !unknown; ++place) {
    if (place % Ledger::lookahead == 0) ledger_.prepare(std::span(delivery.ids).subspan(place));
    const ObjectId id = delivery.ids[place];
    if (!entry.carried) {
      receive(id, entry.received_at, entry.sequence, now);
    } else if (*spilled) {
      return_spilled(id, entry.received_at, entry.sequence, now);
    } else {
      return_carried(id, entry.received_at, entry.sequence);
    }
  }
  if (spilled && *spilled) --away_;
  last_delivered_ = std::max(last_delivered_, entry.sequence);
}

void Dispatcher::receive(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  ++counters_.delivered;
  const EntryIndex index = ledger_.find_or_add(id);
  if (ledger_[index].stage == Stage::idle && window_full()) {
    ledger_[index].last_receipt = std::max(ledger_[index].last_receipt, received_at);
    expiry_.add(index);
    ++counters_.pending;
    spill(id, received_at, sequence);
  } else {
    enter(index, received_at, sequence, now);
  }
  store_.touches().add(index, received_at, sequence, now);
}

void Dispatcher::enter(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now) {
  Entry& entry = ledger_[index];
  const bool aged = entry.last_receipt + options_.ttl < now;
  // Records that an earlier run carried forward come after newer receipts: those must be kept.
  const bool newest = received_at >= entry.last_receipt;
  entry.last_receipt = std::max(entry.last_receipt, received_at);
  expiry_.add(index);
  if (newest || !entry.in_unserved) ledger_.set_unserved(index, sequence);
  fetches_.owe(index, aged, now);
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

// The id was in the queue alone; its obligation goes on here, in a later receipt, or round again.
void Dispatcher::return_spilled(ObjectId id, Timestamp received_at, Sequence sequence,
                                Timestamp now) {
  if (!go_on_here(id, received_at, sequence, now)) spill(id, received_at, sequence);
}

bool Dispatcher::go_on_here(ObjectId id, Timestamp received_at, Sequence sequence, Timestamp now) {
  EntryIndex index = ledger_.recall(id);
  const bool forgotten = index == no_entry || ledger_[index].last_receipt < received_at;
  const bool overtaken = index != no_entry && (ledger_[index].last_receipt > received_at ||
                                               ledger_[index].stage != Stage::idle);
  if (!overtaken && window_full()) {
    if (index != no_entry) ledger_.rest(index);
    return false;
  }
  --counters_.pending;  // counted again as it enters
  if (overtaken) {
    ++counters_.merged;
    ledger_[index].last_receipt = std::max(ledger_[index].last_receipt, received_at);
  } else {
    enter(index = ledger_.find_or_add(id), received_at, sequence, now);
  }
  // The touch made when the callback came may have found no row, and an older receipt of the id may
  // have led to one since, older by any time: until that is touched the watermark stays where it
  // is.
  const auto held = planted(PlantedBug::passed_by_returned) ? received_at : watermark_;
  if (forgotten) store_.touches().add(index, std::min(received_at, held), sequence, now);
  ledger_.rest(index);
  return true;
}

// A full queue takes no carried ids, and is not trimmed before it has: so those that have room here
// by now go on here, while the record they came in is kept.
void Dispatcher::take_back(Carry& carry, Timestamp now) {
  std::erase_if(carry.ids,
                [&](ObjectId id) { return go_on_here(id, carry.received_at, carry.first, now); });
  if (carry.ids.empty()) --away_;
}

void Dispatcher::spill(ObjectId id, Timestamp received_at, Sequence sequence) {
  Carry& carry =
      spilled_.try_emplace(received_at, Carry{received_at, {}, sequence, true, {}}).first->second;
  carry.first = std::min(carry.first, sequence);
  carry.ids.push_back(id);
}

void Dispatcher::order_spilled(Timestamp now) {
  if (spilled_.empty()) return;
  for (auto& [received_at, carry] : spilled_) {
    std::sort(carry.ids.begin(), carry.ids.end());
    const auto end = std::unique(carry.ids.begin(), carry.ids.end());
    const auto twice = static_cast<std::uint64_t>(carry.ids.end() - end);
    counters_.merged += twice;
    counters_.pending -= twice;
    carry.ids.erase(end, carry.ids.end());
    ++away_;
    carries_.emplace(++last_carry_, std::move(carry));
  }
  spilled_.clear();
  read_again_ = now + read_pause;
}

void Dispatcher::fetched(std::uint64_t token, const FetchResult& result, Timestamp now) {
  fetches_.fetched(token, result, now);
}

void Dispatcher::applied(std::uint64_t token, std::error_code error, const Applied& applied,
                         Timestamp now) {
  for (const EntryIndex index : store_.applied(token, error, applied, now)) resolve(index);
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
    return;
  }
  expire_failures_ = 0;
  counters_.deleted += done.deleted;
  const auto sent = std::min(expired_ids_.size(), expire_ids_max);
  expired_ids_.erase(expired_ids_.begin(), expired_ids_.begin() + static_cast<long>(sent));
  if (!expired_ids_.empty()) next_sweep_ = now;
  if (!scan_in_flight_) return;
  scan_in_flight_ = false;
  scanned_ = scan_cutoff_;
  oldest_left_ = done.oldest_left;
  if (unwatched_until_ == Timestamp::max()) unwatched_until_ = now;
  next_scan_ = now + options_.ttl;
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
  if (error && place->second.spilled) {
    place->second.again = now + carry_again;
    place->second.failed = true;
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
    carried_.add(receipt, place->second.spilled);
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
  fetches_.begin(now, actions.fetches);
  store_.add(fetches_.outcomes());
  advance_watermark(frontier);
  store_.begin(now, watermark_ - options_.ttl, draining_, actions.applies);
  if (planted(PlantedBug::recorded_time_ignored)) recorded = Timestamp::max();
  const auto seen = planted(PlantedBug::swept_by_the_clock) ? now : caught_up_watermark(now);
  if (!draining_) sweep(actions, now, std::min(seen - options_.ttl, recorded));
  carry(actions, now, crowded);
  acknowledge(actions);
  actions.read = now >= read_again_ && store_.touches_waiting() < options_.known_ids_max;
  actions.wake = std::min({fetches_.wake(), store_.wake(), now + sweep_pause()});
  if (read_again_ > now) actions.wake = std::min(actions.wake, read_again_);
  return actions;
}

Duration Dispatcher::sweep_pause() const {
  return options_.beat.count() > 0 ? std::min<Duration>(sweep_every, options_.beat) : sweep_every;
}

void Dispatcher::advance_watermark(Timestamp frontier) {
  if (away_ == 0) forgot_while_away_ = false;
  if (!forgot_while_away_ || planted(PlantedBug::forgotten_while_away)) {
    const bool blind = planted(PlantedBug::watermark_ignores_touches);
    watermark_ = std::max(watermark_, blind ? frontier : std::min(frontier, store_.oldest_touch()));
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
  if (expired_ids_.empty() && !scan_in_flight_ && !beat) return;
  next_beat_ = now + options_.beat;
  scan_cutoff_ = cutoff;
  const auto count = std::min(expired_ids_.size(), expire_ids_max);
  Expiry expiry{cutoff,
                {expired_ids_.begin(), expired_ids_.begin() + static_cast<long>(count)},
                scan_in_flight_,
                cutoff + options_.ttl,
                {},
                may_be_unwatched(cutoff)};
  std::sort(expiry.ids.begin(), expiry.ids.end());
  expiry.ids.erase(std::unique(expiry.ids.begin(), expiry.ids.end()), expiry.ids.end());
  actions.expire = std::move(expiry);
  expire_in_flight_ = true;
}

// Too many ids for the memory granted: expiry by scan replaces exact knowledge for a while. An id
// of which some receipts are away may get a row by an older one than the newest: until all are
// back, nothing is deleted.
void Dispatcher::forget_oldest() {
  forgot_while_away_ = away_ > 0;
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
  if ((mark || hurry) && !draining_) carry_aged(now, crowded);
  for (auto& [token, carry] : carries_) {
    if (carry.again > now) continue;
    if (carry.failed && !planted(PlantedBug::full_queue_spins)) take_back(carry, now);
    if (carry.ids.empty()) continue;
    carry.again = Timestamp::max();
    counters_.carried += carry.ids.size();
    actions.carries.push_back({token, carry.received_at, carry.ids});
  }
  std::erase_if(carries_, [](const auto& item) { return item.second.ids.empty(); });
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
    Carry fresh{entry.last_receipt, {}, entry.position, false, {}};
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
  for (const auto& [token, carry] : carries_) {
    if (!planted(PlantedBug::acknowledged_before_carried)) keep = std::min(keep, carry.first);
  }
  if (keep <= acknowledged_ + 1) return;
  acknowledged_ = keep - 1;
  actions.acknowledge = acknowledged_;
}

Timestamp Dispatcher::oldest_pending() const {
  const EntryIndex first = ledger_.first_unserved();
  return first == no_entry ? watermark_ : ledger_[first].last_receipt;
}

bool Dispatcher::pending(Sequence sequence) const {
  for (EntryIndex index = ledger_.first_unserved(); index != no_entry;
       index = ledger_.next_unserved(index)) {
    if (ledger_[index].position >= sequence) return ledger_[index].position == sequence;
  }
  return false;
}

}  // namespace postoffice::core
