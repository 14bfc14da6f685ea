#include "core/concurrency_limit.hpp"

#include <algorithm>

namespace postoffice::core {
namespace {

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

ConcurrencyLimit::ConcurrencyLimit(std::size_t first, Duration timeout)
    : first_(static_cast<double>(std::max(first, least))),
      timeout_(timeout),
      limit_(first_),
      rate_(timeout / 4) {}

std::size_t ConcurrencyLimit::under(std::size_t ceiling) const {
  return std::min(ceiling, static_cast<std::size_t>(limit_));
}

void ConcurrencyLimit::reached(bool reached, std::size_t in_flight, Timestamp now) {
  reached_ = reached;
  if (reached || last_reached_ == Timestamp{}) last_reached_ = now;
  if (limit_ <= first_ || now - last_reached_ < timeout_) return;
  last_reached_ = now;
  limit_ = std::clamp(2 * static_cast<double>(in_flight), first_, limit_);
}

void ConcurrencyLimit::answered(Duration latency, bool alone, Load load, std::size_t ceiling,
                                Timestamp now) {
  latency_ = latency_ == Duration{} ? latency : latency_ + (latency - latency_) / 32;
  if (alone) alone_.add(latency);
  weight_ = std::max(0.0, weight_ - forgiven_per_answer);
  held_until_ = {};
  heard(load, now);
  if (!reached_ || limit_ >= static_cast<double>(ceiling)) return;
  if (crowded_for(timeout_ / 8, now) || !tried_out(load)) return;
  const bool quiet = now - last_loss_ >= period();
  limit_ += quiet ? 1 : std::max(additive, 1 / limit_);
}

void ConcurrencyLimit::failed(Load load, std::size_t ceiling, Timestamp now) {
  heard(load, now);
  // At least back to where every source begins: if a source fails ids, that does not mean that
  // there are too many.
  const bool low = limit_ < std::min(first_, static_cast<double>(ceiling));
  const bool quiet = now - last_loss_ >= period();
  if (crowded_for(timeout_ / 8, now) || !tried_out(load)) return;
  if (reached_ && low && quiet) limit_ += 1;
}

void ConcurrencyLimit::lost(int failures, Timestamp now) {
  if (under(least + 1) == least) held_until_ = now + refused_pause;
  const double weight = 1.0 / (1 << std::clamp(failures, 0, 12));
  if (now - halved_weight_ >= period()) {
    halved_weight_ = now;
    weight_ /= 2;
  }
  weight_ += weight;
  if (weight_ <= forgiven()) return;
  weight_ = forgiven();
  shrink_to(limit_ - weight, now);
}

void ConcurrencyLimit::late(Timestamp now) {
  const double most = served_in_time(now);
  if (limit_ > most) shrink_to(most, now);
}

void ConcurrencyLimit::nobody_answers(Timestamp now) {
  shrink_to(std::min(limit_, rate_.a_second(now)), now);
}

Duration ConcurrencyLimit::period() const {
  return std::max<Duration>(latency_, std::chrono::milliseconds(100));
}

double ConcurrencyLimit::forgiven() const {
  return std::max(forgiven_at_once, limit_ * forgiven_per_answer);
}

double ConcurrencyLimit::served_in_time(Timestamp now) {
  return std::max<double>(least, rate_.a_second(now) * seconds(longest_line()));
}

// How long a fetch that begins now may be in flight.
Duration ConcurrencyLimit::longest_line() const {
  const Duration half = timeout_ / 2;
  if (alone_.count < alone_.enough) return half;
  const Duration most = std::max(half, std::min(alone_.mean * 3 / 2, timeout_ * 9 / 10));
  return std::clamp(alone_.mean * 4, timeout_ / 8, most);
}

// A fetch that waited behind abandoned ones says little.
void ConcurrencyLimit::Alone::add(Duration latency) {
  if (count == enough) latency = std::min(latency, mean * 2);
  count = std::min(count + 1, enough);
  mean += (latency - mean) / count;
}

void ConcurrencyLimit::heard(Load load, Timestamp now) {
  rate_.add(now);
  const double most = served_in_time(now);
  const bool line = static_cast<double>(load.in_line) > most || latency_ > longest_line();
  const bool much = static_cast<double>(load.in_flight) > most;
  if (!line || !much) {
    crowded_since_ = Timestamp::max();
    return;
  }
  crowded_since_ = std::min(crowded_since_, now);
  if (crowded_for(timeout_ / 4, now) && limit_ > most) limit_ = most;
}

bool ConcurrencyLimit::crowded_for(Duration span, Timestamp now) const {
  return crowded_since_ <= now - span;
}

// Retries and old ids must not fill the limit. The fetch that has just ended is not counted in
// flight.
bool ConcurrencyLimit::tried_out(Load load) const {
  return limit_ <= 2 * static_cast<double>(load.in_flight + 1);
}

void ConcurrencyLimit::shrink_to(double limit, Timestamp now) {
  last_loss_ = now;
  limit_ = std::max<double>(least, limit);
}

}  // namespace postoffice::core
