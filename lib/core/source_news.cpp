#include "core/source_news.hpp"

#include <algorithm>
#include <bit>

#include "core/fetch_end.hpp"

namespace postoffice::core {
namespace {

/// The weight of the newest latency in the mean.
constexpr int newest_weighs = 4;

FetchNews::Failure kind_of(const std::error_code& error) {
  switch (end_of(error)) {
    case FetchEnd::timeout: return FetchNews::Failure::timed_out;
    case FetchEnd::answered:
    case FetchEnd::refused: return FetchNews::Failure::refused;
    case FetchEnd::not_found:
    case FetchEnd::unreachable: break;
  }
  return FetchNews::Failure::unreachable;
}

}  // namespace

void SourceNews::answered(Timestamp began, Timestamp now) {
  const Duration latency = now - began;
  const bool any = news_.answered_at != Timestamp::min();
  news_.latency = any ? news_.latency + (latency - news_.latency) / newest_weighs : latency;
  news_.answered_at = now;
  news_.newest_answered = std::max(news_.newest_answered, began);
  news_.failures = 0;
  news_.failing_since = Timestamp::max();
  news_.of_one_id = true;
  note(false);
}

void SourceNews::failed(ObjectId id, bool first, const FetchResult& result, Timestamp now) {
  if (news_.failures > 0 && id != news_.failed_id) news_.of_one_id = false;
  if (news_.failures++ == 0) news_.failing_since = now;
  news_.failed_at = now;
  news_.failed_id = id;
  news_.failure = kind_of(result.error);
  news_.reason = result.reason.empty() ? result.error.message() : result.reason;
  if (first) note(true);
}

void SourceNews::note(bool failed) {
  newest_ = newest_ << 1 | (failed ? 1u : 0u);
  news_.newest = std::min(news_.newest + 1, FetchNews::newest_max);
  news_.newest_failed = static_cast<unsigned>(std::popcount(newest_));
}

}  // namespace postoffice::core
