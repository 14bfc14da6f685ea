#include "journal/backlog_worker.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace postoffice::journal {
namespace {

constexpr std::size_t piece_bytes_max = 1 << 20;
constexpr auto retry_after = std::chrono::milliseconds(200);
constexpr int tries = 25;

}  // namespace

BacklogWorker::BacklogWorker(SharedState& state, Reader& reader)
    : QueueThread(state, state.backlog_wanted),
      reader_(reader),
      backlog_(state.env.storage, state.env.epoch) {}

QueueThread::Next BacklogWorker::work() {
  if (state_.stopping) return {Next::What::end};
  if (const auto start = std::exchange(state_.backlog_start, {})) {
    backlog_.seek(start->number, start->offset, start->after);
  }
  const auto* next = segment();
  if (next == nullptr) state_.behind = false;
  if (!state_.behind || !state_.memory_has_room()) return {Next::What::sleep};
  if (state_.env.now() < next_attempt_) return {Next::What::sleep, next_attempt_};
  const Segment target = *next;
  BacklogReader::Piece piece;
  {
    const Unlocked unlocked(state_.mutex);
    piece = read_piece(target);
  }
  if (piece.error) {
    ++failures_in_a_row_;
    next_attempt_ = state_.env.now() + retry_after;
    return {};
  }
  failures_in_a_row_ = 0;
  const auto missing = take_in(std::move(piece), target);
  const Unlocked unlocked(state_.mutex);
  say_lost(missing, target);
  reader_.deliver();
  return {};
}

/// A disk that cannot be read now may be readable later. If it never is, the rest must go on.
BacklogReader::Piece BacklogWorker::read_piece(const Segment& segment) {
  const bool patient = failures_in_a_row_ < tries;
  auto piece =
      backlog_.read(segment, piece_bytes_max,
                    patient ? BacklogReader::Unreadable::fail : BacklogReader::Unreadable::skip);
  if (piece.error && failures_in_a_row_ == 0) {
    state_.env.say(LogLevel::error, "cannot read " + segment.name + ": " + piece.error.message());
  }
  return piece;
}

const Segment* BacklogWorker::segment() const {
  return state_.segments.first_from(backlog_.number());
}

/// Once everything readable has been in memory, later batches go there directly. Sequences that
/// should have been found and were not are burned, and returned.
std::vector<SequenceRange> BacklogWorker::take_in(BacklogReader::Piece piece, const Segment& read) {
  assert(state_.behind && !state_.backlog_start);
  std::vector<SequenceRange> missing;
  const auto note_missing = [&](Sequence up_to) REQUIRES(state_.mutex) {
    const auto found = state_.progress.not_burned(state_.in_memory + 1, up_to);
    missing.insert(missing.end(), found.begin(), found.end());
  };
  for (const auto& entry : piece.delivery.entries) {
    note_missing(entry.sequence - 1);
    state_.in_memory = entry.sequence;
  }
  const auto* next = piece.at_end ? segment() : nullptr;
  const bool same = next != nullptr && same_number(*next, read);
  const bool has_grown = same && next->end > read.end;
  if (same && !has_grown) {
    note_missing(next->last);
    state_.in_memory = std::max(state_.in_memory, next->last);
    next = state_.segments.first_from(read.header.number + 1);
  }
  count_as_lost(missing);
  state_.memory.push(std::move(piece.delivery));
  if (!piece.at_end || has_grown) return missing;
  if (next != nullptr)
    backlog_.seek(next->header.number, block_size, state_.in_memory);
  else
    state_.behind = false;
  return missing;
}

void BacklogWorker::count_as_lost(const std::vector<SequenceRange>& missing) {
  for (const auto& [first, last] : missing) {
    state_.lost_since += last - first + 1;
    state_.progress.burn(first, last);
  }
}

void BacklogWorker::say_lost(const std::vector<SequenceRange>& missing,
                             const Segment& segment) const {
  for (const auto& [first, last] : missing) {
    state_.env.say(LogLevel::error, "lost callbacks [" + std::to_string(first) + ".." +
                                        std::to_string(last) + "]: later damage in " +
                                        segment.name);
  }
}

}  // namespace postoffice::journal
