#include "rabbitmq/publisher_marks.hpp"

#include <algorithm>

namespace postoffice::rabbitmq {

PublisherMarks::Mark* PublisherMarks::find(std::uint64_t publisher) {
  const auto at = std::lower_bound(
      marks_.begin(), marks_.end(), publisher,
      [](const Mark& mark, std::uint64_t wanted) { return mark.publisher < wanted; });
  return at != marks_.end() && at->publisher == publisher ? &*at : nullptr;
}

void PublisherMarks::hear(const MessageHeader& message) {
  if (message.type == MessageType::carried) return;
  Mark* mark = find(message.publisher);
  if (mark == nullptr) {
    const auto place = std::upper_bound(
        marks_.begin(), marks_.end(), message.publisher,
        [](std::uint64_t wanted, const Mark& other) { return wanted < other.publisher; });
    mark = &*marks_.insert(place, {message.publisher, message.session, 0, message.stamp});
  } else if (mark->session != message.session) {
    // A straggler from the connection before says nothing about what comes now.
    if (mark->session_before == message.session) return;
    *mark = {message.publisher, message.session, mark->session, message.stamp};
  }
  mark->newest = std::max(mark->newest, message.stamp);
  mark->departed = message.type == MessageType::goodbye;
  settle();
}

void PublisherMarks::forget(std::uint64_t publisher) {
  std::erase_if(marks_, [&](const Mark& mark) { return mark.publisher == publisher; });
  settle();
}

void PublisherMarks::settle() {
  auto least = Timestamp::max();
  auto farewell = frontier_;
  for (const Mark& mark : marks_) {
    if (mark.departed) {
      farewell = std::max(farewell, mark.newest);
    } else {
      least = std::min(least, mark.newest);
    }
  }
  frontier_ = least == Timestamp::max() ? farewell : least;
}

Timestamp PublisherMarks::frontier() const { return frontier_; }

std::vector<std::uint64_t> PublisherMarks::publishers() const {
  std::vector<std::uint64_t> result;
  for (const Mark& mark : marks_) {
    if (!mark.departed) result.push_back(mark.publisher);
  }
  return result;
}

std::vector<std::uint64_t> PublisherMarks::departed(Timestamp applied) const {
  std::vector<std::uint64_t> result;
  for (const Mark& mark : marks_) {
    if (mark.departed && mark.newest <= applied) result.push_back(mark.publisher);
  }
  return result;
}

}  // namespace postoffice::rabbitmq
