#include "journal/known_segments.hpp"

#include <algorithm>
#include <cassert>

namespace postoffice::journal {

bool KnownSegments::note(const JournalWriter& writer) {
  active_number_ = writer.active().header.number;
  active_file_ = writer.file();
  next_number_ = writer.next_number();
  const auto& newest = writer.newest();
  const auto number = newest.header.number;
  if (number == 0) return false;
  bool added = false;
  if (!all_.empty() && same_number(all_.back(), newest)) {
    all_.back() = newest;
  } else if (number > noted_number_) {  // else it has been trimmed already
    assert(all_.empty() || all_.back().header.number < number);
    all_.push_back(newest);
    added = true;
  }
  noted_number_ = number;
  return added;
}

const Segment* KnownSegments::active() const {
  return !all_.empty() && is_active(all_.back()) ? &all_.back() : nullptr;
}

bool KnownSegments::contains(const Segment& segment) const {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const Segment& other) { return same_number(other, segment); });
}

const Segment* KnownSegments::first_from(std::uint64_t number) const {
  for (const auto& segment : all_) {
    if (segment.header.number >= number) return &segment;
  }
  return nullptr;
}

std::vector<Segment> KnownSegments::sealed_beyond(Sequence acknowledged) const {
  std::vector<Segment> found;
  for (const auto& segment : all_) {
    if (!is_active(segment) && segment.last > acknowledged) found.push_back(segment);
  }
  return found;
}

const Segment* KnownSegments::releasable(Sequence acknowledged) const {
  if (all_.empty()) return nullptr;
  const auto& oldest = all_.front();
  return is_active(oldest) || oldest.last > acknowledged ? nullptr : &oldest;
}

void KnownSegments::remove_oldest() {
  assert(!all_.empty() && !is_active(all_.front()));
  all_.erase(all_.begin());
}

void KnownSegments::set_size(const Segment& segment) {
  for (auto& other : all_) {
    if (same_number(other, segment)) other.size = segment.size;
  }
}

}  // namespace postoffice::journal
