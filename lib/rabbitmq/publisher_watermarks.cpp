#include "rabbitmq/publisher_watermarks.hpp"

#include <algorithm>

namespace postoffice::rabbitmq {

PublisherWatermarks::Watermark* PublisherWatermarks::find(std::uint64_t publisher) {
  const auto at = std::lower_bound(watermarks_.begin(), watermarks_.end(), publisher,
                                   [](const Watermark& watermark, std::uint64_t wanted) {
                                     return watermark.publisher < wanted;
                                   });
  return at != watermarks_.end() && at->publisher == publisher ? &*at : nullptr;
}

void PublisherWatermarks::hear(const MessageHeader& message) {
  if (message.type == MessageType::carried) return;
  Watermark* watermark = find(message.publisher);
  if (watermark == nullptr) {
    const auto place = std::upper_bound(
        watermarks_.begin(), watermarks_.end(), message.publisher,
        [](std::uint64_t wanted, const Watermark& other) { return wanted < other.publisher; });
    watermark = &*watermarks_.insert(
        place, {message.publisher, message.session, 0, message.stamp, clock_.now()});
  } else if (watermark->session != message.session) {
    // A straggler of an earlier session says nothing about this one.
    if (watermark->session_before == message.session) return;
    *watermark = {message.publisher, message.session, watermark->session, message.stamp,
                  clock_.now()};
  }
  watermark->newest = std::max(watermark->newest, message.stamp);
  const bool departs = message.type == MessageType::goodbye;
  if (watermark->departed && !departs) watermark->heard = clock_.now();
  watermark->departed = departs;
  update_frontier();
}

void PublisherWatermarks::forget(std::uint64_t publisher) {
  std::erase_if(watermarks_,
                [&](const Watermark& watermark) { return watermark.publisher == publisher; });
  update_frontier();
}

void PublisherWatermarks::update_frontier() {
  auto least = Timestamp::max();
  auto farewell = frontier_;
  for (const Watermark& watermark : watermarks_) {
    if (watermark.departed) {
      farewell = std::max(farewell, watermark.newest);
    } else {
      least = std::min(least, watermark.newest);
    }
  }
  frontier_ = least == Timestamp::max() ? farewell : least;
}

Timestamp PublisherWatermarks::frontier() const { return frontier_; }

std::vector<std::uint64_t> PublisherWatermarks::heard_before(Timestamp as_of) const {
  std::vector<std::uint64_t> result;
  for (const Watermark& watermark : watermarks_) {
    if (!watermark.departed && watermark.heard < as_of) result.push_back(watermark.publisher);
  }
  return result;
}

std::vector<std::uint64_t> PublisherWatermarks::departed(Timestamp applied) const {
  std::vector<std::uint64_t> result;
  for (const Watermark& watermark : watermarks_) {
    if (watermark.departed && watermark.newest <= applied) result.push_back(watermark.publisher);
  }
  return result;
}

}  // namespace postoffice::rabbitmq
