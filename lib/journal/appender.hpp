// Accepts callbacks: the first of the parts of a file queue.
//
// An append runs on the caller's thread, any number at the same time. It sorts and codes the ids
// before it takes the mutex; under the mutex it only stamps the receipt time and the sequence and
// adds the record to the open batch. The flusher takes that batch as a whole, and calls its
// completions on its own thread; a refusal is reported at once, on the caller's thread.
#pragma once

#include <span>

#include "journal/shared_state.hpp"

namespace postoffice::journal {

class Appender {
 public:
  explicit Appender(SharedState& state);

  void append(std::span<const ObjectId> ids, std::optional<Timestamp> carried_from,
              Queue::AppendDone done) EXCLUDES(state_.mutex);

 private:
  std::error_code refusal() const REQUIRES(state_.mutex);
  QueuedCallback stamp(std::optional<Timestamp> carried_from) REQUIRES(state_.mutex);

  SharedState& state_;
  const std::uint64_t record_size_max_;
};

}  // namespace postoffice::journal
