#include "journal/read_progress.hpp"

#include <algorithm>
#include <cassert>

namespace postoffice::journal {

ReadProgress::ReadProgress(Sequence acknowledged, codec::SlidingMinimum times, const Gaps& gaps)
    : handing_(acknowledged),
      handed_(acknowledged),
      acknowledged_(acknowledged),
      waiting_times_(times),
      kept_times_(std::move(times)) {
  for (const auto& [first, last] : gaps) burned_.push_back({first, last});
}

void ReadProgress::appended(Sequence sequence, Timestamp received_at) {
  waiting_times_.push(sequence, received_at);
  kept_times_.push(sequence, received_at);
}

void ReadProgress::begin_handing(Sequence up_to) {
  assert(handed_ == handing_ && up_to > handing_);
  handing_ = up_to;
}

void ReadProgress::note_handed() {
  assert(handed_ <= handing_);
  handed_ = handing_;
  advance();
}

bool ReadProgress::acknowledge(Sequence up_to) {
  const auto reached = std::min(up_to, handing_);
  if (reached <= acknowledged_) return false;
  acknowledged_ = reached;
  advance();
  return true;
}

void ReadProgress::burn(Sequence first, Sequence last) {
  assert(first <= last);
  const auto at = std::find_if(burned_.begin(), burned_.end(),
                               [&](const SequenceRange& other) { return other.first > first; });
  burned_.insert(at, {first, last});
  advance();
}

/// Marks must not wait for sequences that will never be read.
Sequence ReadProgress::past_burned(Sequence sequence) const {
  for (const auto& burned : burned_) {
    if (burned.first <= sequence + 1) sequence = std::max(sequence, burned.last);
  }
  return sequence;
}

/// After any of the marks has moved. An acknowledgement also covers the burned sequences behind it:
/// nothing else would, and their segments could not be trimmed.
void ReadProgress::advance() {
  acknowledged_ = past_burned(acknowledged_);
  waiting_times_.pop_through(past_burned(handed_));
  kept_times_.pop_through(acknowledged_);
  while (!burned_.empty() && burned_.front().last <= std::min(acknowledged_, handed_)) {
    burned_.pop_front();
  }
}

std::vector<SequenceRange> ReadProgress::not_burned(Sequence first, Sequence last) const {
  std::vector<SequenceRange> found;
  for (const auto& burned : burned_) {
    if (first > last || burned.first > last) break;
    if (burned.first > first) found.push_back({first, burned.first - 1});
    first = std::max(first, burned.last + 1);
  }
  if (first <= last) found.push_back({first, last});
  return found;
}

}  // namespace postoffice::journal
