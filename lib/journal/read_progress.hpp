// How far callbacks have been handed over and acknowledged, and the receipt times that follow from
// that. No system calls, no locks.
#pragma once

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "codec/sliding_minimum.hpp"
#include "postoffice/types.hpp"

namespace postoffice::journal {

/// Sequences, from the first to the last.
struct SequenceRange {
  Sequence first;
  Sequence last;
};

/// Three marks that only rise: what is being handed to a reader, what has been handed over
/// (the reader's completion has returned), and what is acknowledged. Sequences that will never be
/// read (of failed batches, or lost) are *burned*: no mark waits for them.
class ReadProgress {
 public:
  using Gaps = std::vector<std::pair<Sequence, Sequence>>;

  /// `times`: of the callbacks that will be read again. `gaps`: those that will not, rising.
  ReadProgress(Sequence acknowledged, codec::SlidingMinimum times, const Gaps& gaps);

  void appended(Sequence sequence, Timestamp received_at);
  void begin_handing(Sequence up_to);
  /// That has been handed over. Not to be called before the completion has returned:
  /// until then nobody is responsible for its callbacks.
  void note_handed();
  /// Acknowledges, at most up to what is being handed over. False if nothing is new.
  bool acknowledge(Sequence up_to);
  void burn(Sequence first, Sequence last);

  /// Those of [first, last] that are not known never to be read.
  std::vector<SequenceRange> not_burned(Sequence first, Sequence last) const;

  Sequence acknowledged() const { return acknowledged_; }
  /// The oldest receipt time among those not handed over, and among those not acknowledged.
  std::optional<Timestamp> oldest_waiting() const { return waiting_times_.oldest(); }
  std::optional<Timestamp> oldest_kept() const { return kept_times_.oldest(); }

 private:
  Sequence past_burned(Sequence sequence) const;
  void advance();

  Sequence handing_;
  Sequence handed_;
  Sequence acknowledged_;
  std::deque<SequenceRange> burned_;  // by rising sequence
  codec::SlidingMinimum waiting_times_;
  codec::SlidingMinimum kept_times_;
};

}  // namespace postoffice::journal
