// What has happened so far.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/duration_bounds.hpp"
#include "base/duration_recorder.hpp"
#include "core/fetch_end.hpp"
#include "core/waiting_ages.hpp"

namespace postoffice::core {

/// How long what has ended took.
struct Durations {
  using Recorder = DurationRecorder<>;

  std::array<Recorder, fetch_ends> fetches = {Recorder(bounds::fetch), Recorder(bounds::fetch),
                                              Recorder(bounds::fetch), Recorder(bounds::fetch),
                                              Recorder(bounds::fetch)};
  Recorder transactions{bounds::transaction};  // that were committed
  Recorder receipt_to_row{bounds::receipt_to_row};
};

/// What ids wait for, each since the oldest receipt that is owed a fetch or an answer.
struct Waiting {
  WaitingAges fetch;    // in line, or in flight
  WaitingAges backoff;  // before their next try
  WaitingAges store;    // with an answer that is not committed
};

/// Each distinct id of a callback is an obligation that ends exactly once, so at any time
///   delivered = stored + merged + not_found + expired + dead + pending        (S8)
struct Counters {
  std::uint64_t delivered = 0;

  std::uint64_t stored = 0;
  std::uint64_t merged = 0;
  std::uint64_t not_found = 0;
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;
  std::uint64_t pending = 0;
  std::uint64_t ended() const { return stored + merged + not_found + expired + dead; }

  std::uint64_t fetches = 0;
  std::uint64_t fetch_failures = 0;
  std::uint64_t touches = 0;
  std::uint64_t deleted = 0;
  std::uint64_t requeued = 0;
  std::uint64_t store_failures = 0;
  std::array<std::uint64_t, fetch_ends> retries{};  // fetches that will be tried again

  Durations durations;
  Waiting waiting;
};

}  // namespace postoffice::core
