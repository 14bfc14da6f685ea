#include "core/source_news.hpp"

#include <algorithm>
#include <bit>

#include "postoffice/error.hpp"

namespace postoffice::core {
namespace {

/// The weight of the newest latency in the mean.
constexpr int newest_weighs = 4;

FetchNews::Failure kind_of(const std::error_code& error) {
  if (error == Error::timed_out) return FetchNews::Failure::timed_out;
  const bool spoken =
      error == Error::refused || error == Error::overloaded || error == Error::bad_answer;
  return spoken || !error ? FetchNews::Failure::refused : FetchNews::Failure::unreachable;
}

}  // namespace

void SourceNews::answered(bool first, Timestamp began, Timestamp now) {
  const Duration latency = now - began;
  const bool any = news_.answered_at != Timestamp::min();
  news_.latency = any ? news_.latency + (latency - news_.latency) / newest_weighs : latency;
  news_.answered_at = now;
  news_.newest_answered = std::max(news_.newest_answered, began);
  news_.failures = 0;
  news_.failing_since = Timestamp::max();
  news_.of_one_id = true;
  if (first) note_first(false);
}

void SourceNews::failed(ObjectId id, bool first, const FetchResult& result, Timestamp now) {
  if (news_.failures > 0 && id != news_.failed_id) news_.of_one_id = false;
  if (news_.failures++ == 0) news_.failing_since = now;
  news_.failed_at = now;
  news_.failed_id = id;
  news_.failure = kind_of(result.error);
  news_.reason = result.reason.empty() ? result.error.message() : result.reason;
  if (first) note_first(true);
}

void SourceNews::note_first(bool failed) {
  firsts_ = firsts_ << 1 | (failed ? 1u : 0u);
  news_.first_fetches = std::min(news_.first_fetches + 1, FetchNews::first_fetches_max);
  news_.first_failures = static_cast<unsigned>(std::popcount(firsts_));
}

}  // namespace postoffice::core
