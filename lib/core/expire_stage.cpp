#include "core/expire_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/backoff.hpp"

namespace postoffice::core {
namespace {

constexpr Duration sweep_every = std::chrono::milliseconds(250);
constexpr Duration scan_every = std::chrono::milliseconds(500);
constexpr Duration scan_margin = std::chrono::seconds(2);  // a shared store may be so far behind
constexpr Duration store_pause_max = std::chrono::seconds(2);

constexpr std::size_t listed_max = 10'000;
// Beyond this a scan is cheaper than a list.
constexpr std::size_t expired_kept_max = 500'000;
constexpr std::size_t stuck_max = 10'000;
constexpr std::size_t stuck_again_max = 1'000;

}  // namespace

Duration ExpireStage::pause() const {
  return options_.beat.count() > 0 ? std::min<Duration>(sweep_every, options_.beat) : sweep_every;
}

Timestamp ExpireStage::cutoff_of(Timestamp now, Timestamp watermark, Timestamp clock_floor) {
  if (began_ == Timestamp{}) began_ = now;
  caught_up_ = caught_up_ || watermark >= began_;
  const Timestamp until = caught_up_ ? watermark : Timestamp{};
  return std::min(until - options_.ttl, clock_floor);
}

std::optional<Expiry> ExpireStage::begin(Timestamp now, Timestamp watermark,
                                         Timestamp clock_floor) {
  const Timestamp cutoff = cutoff_of(now, watermark, clock_floor);
  if (under_way_ || now < next_sweep_) return {};
  next_sweep_ = now + pause();
  look_back(now, cutoff);
  collect_expired(now, cutoff);
  scanning_ = scan_due(now, cutoff);
  const bool beat = options_.beat.count() > 0 && now >= next_beat_;
  tried_again_ = stuck_.take_due(now, stuck_again_max);
  if (expired_.empty() && !scanning_ && !beat && tried_again_.empty()) return {};
  assert(cutoff <= watermark - options_.ttl);  // I3
  assert(cutoff <= clock_floor);
  next_beat_ = now + options_.beat;
  cutoff_ = cutoff;
  under_way_ = true;
  return compose(cutoff);
}

// The cutoff goes back with a longer ttl, or with a publisher whose clock is behind. Ids that were
// taken off the schedule by the cutoff of before may then keep their rows.
void ExpireStage::look_back(Timestamp now, Timestamp cutoff) {
  next_scan_ = std::min(next_scan_, now + options_.ttl);
  if (cutoff < collected_ && (!expired_.empty() || stuck_.size() > 0)) unwatched(collected_);
  collected_ = cutoff;
}

void ExpireStage::collect_expired(Timestamp now, Timestamp cutoff) {
  for (const KnownIndex index : schedule_.take_expired(cutoff)) {
    expired_.push_back(ledger_.known(index).id);
    if (!ledger_.known(index).active()) ledger_.forget(index);
  }
  if (ledger_.size() > options_.known_ids_max) forget_oldest();
  if (expired_.size() <= expired_kept_max) return;
  expired_.clear();
  unwatched(cutoff);
  next_scan_ = now;
}

// More ids than fit in memory: expiry by scan replaces exact knowledge for a while.
void ExpireStage::forget_oldest() {
  std::vector<EntryIndex> touched;
  while (ledger_.size() > options_.known_ids_max && !schedule_.empty()) {
    for (const KnownIndex index : schedule_.take_oldest()) {
      const Known& known = ledger_.known(index);
      if (!known.active()) {
        unwatched(known.last_receipt());
        ledger_.forget(index);
      } else if (!ledger_[known.entry()].in_unserved()) {
        touched.push_back(known.entry());
      }
    }
  }
  for (const EntryIndex index : touched) schedule_.add(index);
}

Expiry ExpireStage::compose(Timestamp cutoff) const {
  const auto count = std::min(expired_.size(), listed_max);
  Expiry expiry{
      cutoff,    {expired_.begin(), expired_.begin() + static_cast<std::ptrdiff_t>(count)},
      scanning_, cutoff + options_.ttl,
      {},        may_be_unwatched(cutoff)};
  expiry.ids.insert(expiry.ids.end(), tried_again_.begin(), tried_again_.end());
  std::sort(expiry.ids.begin(), expiry.ids.end());
  expiry.ids.erase(std::unique(expiry.ids.begin(), expiry.ids.end()), expiry.ids.end());
  return expiry;
}

void ExpireStage::ended(std::error_code error, const Expired& done, Timestamp now) {
  assert(under_way_);
  under_way_ = false;
  if (error) {
    next_sweep_ = now + Backoff<Duration>(sweep_every, store_pause_max).after(failures_++);
    for (const ObjectId id : tried_again_) stuck_.postpone(id, now);
    return;
  }
  failures_ = 0;
  counters_.deleted += done.deleted;
  const auto sent = std::min(expired_.size(), listed_max);
  expired_.erase(expired_.begin(), expired_.begin() + static_cast<std::ptrdiff_t>(sent));
  if (!expired_.empty()) next_sweep_ = now;
  if (std::exchange(scanning_, false)) scan_ended(done, now);
  take_refused(done, now);
}

void ExpireStage::scan_ended(const Expired& done, Timestamp now) {
  scanned_ = cutoff_;
  oldest_left_ = done.oldest_left;
  if (unwatched_until_ == Timestamp::max()) unwatched_until_ = now;
  next_scan_ = now + options_.ttl;
}

// Rows that could not be deleted are tried again by themselves: their ids are no longer watched.
void ExpireStage::take_refused(const Expired& done, Timestamp now) {
  const auto by_id = [](const Refusal& left, const Refusal& right) { return left.id < right.id; };
  for (const ObjectId id : tried_again_) {
    const bool again =
        std::binary_search(done.refused.begin(), done.refused.end(), Refusal{.id = id}, by_id);
    if (!again) stuck_.erase(id);
  }
  tried_again_.clear();
  for (const Refusal& refusal : done.refused) {
    if (stuck_.size() < stuck_max || stuck_.find(refusal.id)) {
      stuck_.refused(refusal, now);
    } else {
      unwatched(cutoff_);
    }
  }
}

// Whether unwatched rows may have come due since the last scan. The progress of the cutoff decides,
// not the time: while it stands still a scan finds nothing, and after it has leapt the rows are
// overdue.
bool ExpireStage::scan_due(Timestamp now, Timestamp cutoff) {
  scanned_ = std::min(scanned_, cutoff);
  const bool any = may_be_unwatched(scanned_) && oldest_left_ <= unwatched_until_;
  const bool passed = cutoff >= scanned_ + scan_every && cutoff > oldest_left_;
  return now >= next_scan_ || (any && passed);
}

// After a scan by that cutoff.
bool ExpireStage::may_be_unwatched(Timestamp scanned) const {
  return scanned - scan_margin <= unwatched_until_;
}

// Never while a scan is under way: ids are forgotten before one begins.
void ExpireStage::unwatched(Timestamp last_receipt) {
  assert(!(under_way_ && scanning_));
  unwatched_until_ = std::max(unwatched_until_, last_receipt);
  oldest_left_ = {};
}

}  // namespace postoffice::core
