// What people are told of for a while after it has happened, and logged once in that time.
#pragma once

#include <optional>
#include <utility>

#include "rabbitmq/frame_sink.hpp"

namespace postoffice::rabbitmq {

class RecentEvent {
 public:
  static constexpr auto told_for = std::chrono::minutes(10);

  /// True if it is news: the last one is too long ago to be told of.
  bool note(SteadyTime now) {
    const bool is_news = !is_recent(now);
    if (is_news) since_ = now;
    last_ = now;
    return is_news;
  }

  bool is_recent(SteadyTime now) const { return last_ && now < *last_ + told_for; }

  /// For how long it has been recent: since it was news.
  SteadyDuration lasts(SteadyTime now) const { return now - since_; }

 private:
  std::optional<SteadyTime> last_;
  SteadyTime since_{};
};

/// How many messages the dead queue holds, and whether they get more.
class DeadQueueCount {
 public:
  void note(std::uint64_t messages, SteadyTime now) {
    const auto before = std::exchange(messages_, messages);
    if (before && messages > *before) grew_.note(now);
  }

  std::optional<std::uint64_t> messages() const { return messages_; }
  bool grows(SteadyTime now) const { return grew_.is_recent(now); }

 private:
  std::optional<std::uint64_t> messages_;
  RecentEvent grew_;
};

}  // namespace postoffice::rabbitmq
