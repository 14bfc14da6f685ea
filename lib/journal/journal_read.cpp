// Handing callbacks over, from memory or from the files, and what that does to the frontier.
#include <algorithm>
#include <utility>

#include "journal/journal_queue.hpp"
#include "planted_bug.hpp"

namespace postoffice::journal {
namespace {

constexpr std::size_t piece_bytes_max = 1 << 20;
constexpr auto retry_after = std::chrono::milliseconds(200);
constexpr int backlog_tries = 25;

}  // namespace

void JournalQueue::read(std::size_t ids_max, ReadDone done) {
  {
    const std::lock_guard lock(mutex_);
    ids_max_ = ids_max;
    read_ = std::move(done);
  }
  deliver();
}

/// A completion may read again, from inside or from another thread: whoever delivers goes on until
/// nobody waits or nothing is there.
void JournalQueue::deliver() {
  Lock lock(mutex_);
  while (read_ && !delivering_ && !memory_.empty()) {
    delivering_ = true;
    auto done = std::exchange(read_, nullptr);
    Delivery delivery = memory_.take(ids_max_);
    taken_ = delivery.entries.back().sequence;
    if (behind_ && memory_.bytes() <= options_.memory_bytes_max / 2) backlog_wanted_.notify_one();
    if (planted(PlantedBug::handed_before_taken)) note_handed();
    lock.unlock();
    done({}, std::move(delivery));
    done = nullptr;
    lock.lock();
    delivering_ = false;
    note_handed();
  }
}

/// Not before the completion has returned: until then its callbacks are in nobody's hands.
void JournalQueue::note_handed() {
  handed_ = taken_;
  settle();
}

void JournalQueue::acknowledge(Sequence up_to) {
  const std::lock_guard lock(mutex_);
  const auto reached = std::min(up_to, taken_);
  if (reached <= acknowledged_) return;
  acknowledged_ = reached;
  settle();
  // One that waits for the time of its next cursor will see this one, too.
  if (std::exchange(cursor_idle_, false)) maintenance_wanted_.notify_one();
}

/// Sequences that will never be read must not be waited for.
Sequence JournalQueue::past_burned(Sequence sequence) const {
  for (const auto& burned : burned_) {
    if (burned.first <= sequence + 1) sequence = std::max(sequence, burned.last);
  }
  return sequence;
}

/// After any of the marks has moved. An acknowledgement covers the burned sequences behind it:
/// nobody else ever would, and their segments could not be trimmed.
void JournalQueue::settle() {
  acknowledged_ = past_burned(acknowledged_);
  waiting_times_.pop_through(past_burned(handed_));
  kept_times_.pop_through(acknowledged_);
  while (!burned_.empty() && burned_.front().last <= std::min(acknowledged_, handed_)) {
    burned_.pop_front();
  }
}

JournalQueue::Next JournalQueue::backlog_step(Lock& lock) {
  if (stopping_) return {Next::What::end};
  const bool room = memory_.empty() || memory_.bytes() <= options_.memory_bytes_max / 2;
  const auto* segment = backlog_segment();
  if (segment == nullptr) behind_ = false;
  if (!behind_ || !room) return {Next::What::sleep};
  if (workers_.now() < next_backlog_) return {Next::What::sleep, next_backlog_};
  const Segment target = *segment;
  lock.unlock();
  // A disk that does not read now may read later. One that never does must not stop the rest.
  const bool patient =
      backlog_failures_ < backlog_tries && !planted(PlantedBug::unreadable_skipped_at_once);
  auto piece =
      backlog_.read(target, piece_bytes_max,
                    patient ? BacklogReader::Unreadable::fail : BacklogReader::Unreadable::skip);
  if (piece.error && backlog_failures_ == 0) {
    say(LogLevel::error, "cannot read " + target.name + ": " + piece.error.message());
  }
  lock.lock();
  if (piece.error) {
    ++backlog_failures_;
    next_backlog_ = workers_.now() + retry_after;
    return {};
  }
  backlog_failures_ = 0;
  const auto missing = take_in(std::move(piece), target);
  lock.unlock();
  for (const auto& [first, last] : missing) {
    say(LogLevel::error, "lost callbacks [" + std::to_string(first) + ".." + std::to_string(last) +
                             "]: later damage in " + target.name);
  }
  deliver();
  lock.lock();
  return {};
}

const Segment* JournalQueue::backlog_segment() const {
  for (const auto& segment : segments_) {
    if (segment.header.number >= backlog_.number()) return &segment;
  }
  return nullptr;
}

/// Once everything readable has been in memory, later batches go there directly. What should have
/// been found and was not is burned, and returned.
std::vector<JournalQueue::Burned> JournalQueue::take_in(BacklogReader::Piece piece,
                                                        const Segment& read) {
  std::vector<Burned> missing;
  for (const auto& entry : piece.delivery.entries) {
    find_missing(in_memory_ + 1, entry.sequence - 1, missing);
    in_memory_ = entry.sequence;
  }
  const auto* next = piece.at_end ? backlog_segment() : nullptr;
  const bool same = next != nullptr && next->header.number == read.header.number;
  const bool has_grown = same && next->end > read.end;
  if (same && !has_grown) {
    find_missing(in_memory_ + 1, next->last, missing);
    in_memory_ = std::max(in_memory_, next->last);
    if (++next == segments_.data() + segments_.size()) next = nullptr;
  }
  for (const auto& [first, last] : missing) {
    lost_since_ += last - first + 1;
    burn(first, last);
  }
  memory_.push(std::move(piece.delivery));
  if (!piece.at_end || has_grown) return missing;
  if (next != nullptr)
    backlog_.seek(next->header.number, block_size, in_memory_);
  else
    behind_ = false;
  return missing;
}

/// Those of [first, last] that are not known never to be read.
void JournalQueue::find_missing(Sequence first, Sequence last, std::vector<Burned>& missing) const {
  for (const auto& burned : burned_) {
    if (first > last || burned.first > last) break;
    if (burned.first > first) missing.push_back({first, burned.first - 1});
    first = std::max(first, burned.last + 1);
  }
  if (first <= last) missing.push_back({first, last});
}

}  // namespace postoffice::journal
