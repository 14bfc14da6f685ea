#include "http/client/keep_alive_policy.hpp"

#include <algorithm>
#include <cassert>

namespace postoffice::http {

void KeepAlivePolicy::sent_on_new(Time now) {
  if (new_++ != 0) return;
  new_since_ = now;
  reused_ = 0;
}

void KeepAlivePolicy::answered_on_new(Time sent, Time now) {
  assert(new_ > 0);
  --new_;
  if (closing_) return;  // how long it waited for a worker is not known
  if (trial_ && freed_at_ >= trial_began_) {
    // Workers serve the longest waiting request first. A request sent since the trial began,
    // perhaps in place of the closed connection, says nothing about those that starve.
    if (sent < trial_began_) end_trial(now, true);
  } else if (now - freed_at_ > patience()) {
    trial_ = false;
    points_ = 0;  // it was answered without closing anything
  }
  // Time spent waiting for a worker is not part of the source's usual latency.
  learn(now - std::max(sent, freed_at_));
  new_since_ = now;
  reused_ = 0;
}

void KeepAlivePolicy::gone_on_new() {
  assert(new_ > 0);
  --new_;
}

void KeepAlivePolicy::answered_on_kept(Time sent, Time now) {
  stale_ = 0;
  ++reused_;
  learn(now - sent);
}

void KeepAlivePolicy::stale(Time sent, Time now) {
  if (now - sent > stale_within) return;
  if (keeps() && ++stale_ >= stale_run) close_for_a_while(now);
}

void KeepAlivePolicy::freed(Time now) {
  // A close by the source tells as much as one of ours.
  if (!closing_ && !trial_ && starved(now)) begin_trial(now);
  freed_at_ = now;
}

std::size_t KeepAlivePolicy::to_close(Time now, std::size_t idle) {
  if (wanted_ == SourceKeepAlive::always) return 0;
  if (closing_ && now >= closing_until_) keep_on_probation(now);
  if (!keeps()) return idle;
  if (trial_ && now >= trial_ends_) end_trial(now, false);
  if (!trial_ && now >= next_trial_ && starved(now) && (idle != 0 || reused_ != 0))
    begin_trial(now);
  const std::size_t count = trial_ ? std::min(idle, trial_left_) : 0;
  trial_left_ -= count;
  return count;
}

bool KeepAlivePolicy::take_from_trial() {
  if (!trial_ || trial_left_ == 0) return false;
  --trial_left_;
  return true;
}

KeepAlivePolicy::Span KeepAlivePolicy::patience() const {
  return std::clamp(2 * usual_, patience_min, patience_max);
}

/// A single slow answer does not make long waits usual.
void KeepAlivePolicy::learn(Span latency) {
  usual_ = usual_ == Span::zero() ? latency : usual_ + (std::min(latency, 4 * usual_) - usual_) / 8;
}

void KeepAlivePolicy::begin_trial(Time now) {
  trial_ = true;
  trial_began_ = now;
  trial_ends_ = now + patience();
  trial_left_ = std::min(new_, closed_on_trial);
  // It is very unlikely that so many wait and none is answered by chance.
  points_if_answered_ = new_ >= closed_on_trial ? 2 : 1;
}

void KeepAlivePolicy::end_trial(Time now, bool answered) {
  trial_ = false;
  trial_left_ = 0;
  if (!answered) {
    points_ = 0;
    next_trial_ = now + trial_pause_;
    trial_pause_ = std::min(2 * trial_pause_, trial_pause_max);
    return;
  }
  trial_pause_ = trial_pause_min;
  points_ += points_if_answered_;
  if (points_ >= enough) close_for_a_while(now);
}

void KeepAlivePolicy::close_for_a_while(Time now) {
  if (wanted_ != SourceKeepAlive::automatic || closing_) return;
  // Longer if the last time was not long ago.
  closing_for_ = probation_ends_ != Time() && now < probation_ends_
                     ? std::min(2 * closing_for_, closing_max)
                     : closing_min;
  closing_ = true;
  closing_until_ = now + closing_for_;
  trial_ = false;
  trial_left_ = 0;
}

void KeepAlivePolicy::keep_on_probation(Time now) {
  closing_ = false;
  probation_ends_ = now + closing_for_;
  usual_ = Span::zero();
  points_ = enough - 1;
  stale_ = stale_run - 1;
  next_trial_ = now;
  trial_pause_ = trial_pause_min;
  new_since_ = now;
  reused_ = 0;
}

}  // namespace postoffice::http
