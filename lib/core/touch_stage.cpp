#include "core/touch_stage.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/checked_count.hpp"
#include "codec/sort_by_id.hpp"

namespace postoffice::core {
namespace {

constexpr Duration repeat_every = std::chrono::seconds(1);
// At most one transaction's worth of repetitions in this time.
constexpr Duration repeat_pause = std::chrono::milliseconds(50);
constexpr int ahead_of_backlog_max = 8;
constexpr std::size_t ids_prefetched_ahead = 8;
constexpr std::size_t spare_max = 4;

}  // namespace

TouchStage::Chunk& TouchStage::open_chunk(Timestamp now) {
  if (chunks_.empty() || chunks_.back().ids.size() >= rows_max_) {
    chunks_.emplace_back().opened = now;
    chunks_.back().number = ++last_number_;
    if (!spare_.empty()) {
      chunks_.back().ids = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  return chunks_.back();
}

void TouchStage::place(EntryIndex index, Chunk& chunk) {
  Entry& entry = ledger_[index];
  count_up(entry.touch_waiting);
  count_up(entry.touching);
  ++waiting_;
  chunk.ids.push_back(index);
}

void TouchStage::add(EntryIndex index, Timestamp received_at, Sequence sequence, Timestamp now) {
  // An id that waits is already in some chunk. The last chunk is committed no earlier than that one
  // (StoreStage::put_back_touches).
  const bool waits = ledger_[index].touch_waiting > 0;
  assert(ledger_.active(index) && (!waits || !chunks_.empty()));
  Chunk& chunk = waits ? chunks_.back() : open_chunk(now);
  chunk.oldest = std::min(chunk.oldest, received_at);
  chunk.first = std::min(chunk.first, sequence);
  oldest_ = std::min(oldest_, received_at);
  first_ = std::min(first_, sequence);
  if (!waits) place(index, chunk);
}

void TouchStage::add_missing(EntryIndex index, Timestamp now) {
  Entry& entry = ledger_[index];
  if (!entry.in_unserved() || entry.row_missing) return;
  entry.row_missing = true;
  count_up(entry.touching);  // keeps the entry until its second is over
  missing_.push_back({index, now + repeat_every});
}

void TouchStage::repeat_missing(Timestamp now) {
  if (now < next_repeat_ || missing_.empty() || missing_.front().due > now) return;
  next_repeat_ = now + repeat_pause;
  std::size_t left = rows_max_;
  for (; left > 0 && !missing_.empty() && missing_.front().due <= now; missing_.pop_front()) {
    --left;
    const EntryIndex index = missing_.front().index;
    Entry& entry = ledger_[index];
    assert(entry.row_missing);
    entry.row_missing = false;
    count_down(entry.touching);
    if (entry.in_unserved() && entry.touch_waiting == 0) place(index, open_chunk(now));
    ledger_.release_if_unused(index);
  }
}

bool TouchStage::ready(Timestamp now) const {
  return full() || (!chunks_.empty() && chunks_.front().opened + delay_ <= now);
}

Timestamp TouchStage::next_wake_at() const {
  Timestamp wake = Timestamp::max();
  if (!chunks_.empty()) wake = chunks_.front().opened + delay_;
  if (!missing_.empty()) wake = std::min(wake, std::max(missing_.front().due, next_repeat_));
  return backlog_.empty() ? wake : Timestamp::min();
}

// Each part holds what the whole held.
void TouchStage::leave_rest(Chunk& chunk, std::size_t limit) {
  if (chunk.ids.size() <= limit) return;
  Chunk rest = chunk;
  const auto middle = static_cast<std::ptrdiff_t>(limit);
  rest.ids.erase(rest.ids.begin(), rest.ids.begin() + middle);
  chunk.ids.resize(limit);
  chunks_.push_front(std::move(rest));
}

TouchStage::Chunk TouchStage::take_backlog(std::size_t limit) {
  Chunk chunk;
  const auto left = backlog_.size() - std::min(limit, backlog_.size());
  const auto middle = backlog_.begin() + static_cast<std::ptrdiff_t>(left);
  chunk.backlog.assign(middle, backlog_.end());
  backlog_.erase(middle, backlog_.end());
  backlog_under_way_ += chunk.backlog.size();
  return chunk;
}

TouchStage::Chunk TouchStage::take_chunk(Timestamp now, std::size_t limit) {
  const bool in_turn = !ready(now) || ahead_of_backlog_ >= ahead_of_backlog_max;
  if (!backlog_.empty() && (chunks_.empty() || in_turn)) {
    ahead_of_backlog_ = 0;
    return take_backlog(limit);
  }
  assert(!chunks_.empty());
  if (!backlog_.empty()) ++ahead_of_backlog_;
  Chunk chunk = std::move(chunks_.front());
  chunks_.pop_front();
  leave_rest(chunk, limit);
  for (std::size_t i = 0; i < chunk.ids.size(); ++i) {
    if (i + ids_prefetched_ahead < chunk.ids.size())
      ledger_.prefetch(chunk.ids[i + ids_prefetched_ahead]);
    count_down(ledger_[chunk.ids[i]].touch_waiting);
  }
  count_down(waiting_, chunk.ids.size());
  // Once for each chunk, not for each call of oldest(): while the store is away there are many
  // chunks.
  if (chunk.oldest == oldest_ || chunk.first == first_) {
    oldest_ = Timestamp::max();
    first_ = ~Sequence{0};
    for (const Chunk& each : chunks_) hold(each);
  }
  return chunk;
}

void TouchStage::hold(const Chunk& chunk) {
  oldest_ = std::min(oldest_, chunk.oldest);
  first_ = std::min(first_, chunk.first);
}

std::vector<Touch> TouchStage::build(const Chunk& chunk) {
  if (!chunk.backlog.empty()) return chunk.backlog;
  std::vector<Touch> touches;
  touches.reserve(chunk.ids.size());
  for (const EntryIndex index : chunk.ids) {
    touches.push_back({ledger_[index].id, ledger_[index].last_receipt});
  }
  codec::sort_by_id(touches, sort_memory_);
  const auto end = std::unique(touches.begin(), touches.end(),
                               [](const Touch& a, const Touch& b) { return a.id == b.id; });
  touches.erase(end, touches.end());
  return touches;
}

void TouchStage::committed(const Chunk& chunk) {
  for (std::size_t i = 0; i < chunk.ids.size(); ++i) {
    if (i + ids_prefetched_ahead < chunk.ids.size())
      ledger_.prefetch(chunk.ids[i + ids_prefetched_ahead]);
    count_down(ledger_[chunk.ids[i]].touching);
  }
}

void TouchStage::backlog_committed(Chunk chunk, std::vector<ObjectId> missing) {
  count_down(backlog_under_way_, chunk.backlog.size());
  assert(!backlog_ended_ && "the end before has not been taken");
  const bool last = backlog_.empty() && backlog_under_way_ == 0;
  backlog_ended_ = {std::move(chunk.backlog), std::move(missing), last};
}

// Beside other parts of the same offer, which stays sorted.
void TouchStage::backlog_failed(const Chunk& chunk) {
  count_down(backlog_under_way_, chunk.backlog.size());
  const auto middle = static_cast<std::ptrdiff_t>(backlog_.size());
  backlog_.insert(backlog_.end(), chunk.backlog.begin(), chunk.backlog.end());
  std::inplace_merge(backlog_.begin(), backlog_.begin() + middle, backlog_.end(),
                     [](const Touch& a, const Touch& b) { return a.id < b.id; });
}

void TouchStage::failed(Chunk chunk) {
  if (!chunk.backlog.empty()) return backlog_failed(chunk);
  // An id may now be in two chunks. The second touch is needless and harmless; taking it out would
  // cost the chunk its meaning, which is to hold the watermark.
  for (const EntryIndex index : chunk.ids) {
    assert(ledger_[index].touching > 0);
    count_up(ledger_[index].touch_waiting);
  }
  waiting_ += chunk.ids.size();
  hold(chunk);
  // In its old place: of two chunks that failed, the later one may hold receipts of ids in the
  // earlier one.
  auto place = chunks_.begin();
  while (place != chunks_.end() && place->number < chunk.number) ++place;
  chunks_.insert(place, std::move(chunk));
}

void TouchStage::recycle(Chunk chunk) {
  if (chunk.ids.capacity() == 0 || spare_.size() >= spare_max) return;
  chunk.ids.clear();
  spare_.push_back(std::move(chunk.ids));
}

}  // namespace postoffice::core
