#include "postoffice/fetch_news.hpp"

#include <algorithm>

namespace postoffice {
namespace {

bool better_known(const FetchNews& one, const FetchNews& other) {
  return one.failed_at > other.failed_at;
}

/// A fetch of one pipeline may have been overtaken by an answer to the other.
Timestamp oldest_in_line(const FetchNews& one, Timestamp newest_answered) {
  return std::max(one.oldest_in_line, newest_answered);
}

}  // namespace

FetchNews together(const FetchNews& one, const FetchNews& other) {
  FetchNews both = better_known(one, other) ? one : other;
  const FetchNews& answered = one.answered_at > other.answered_at ? one : other;
  both.answered_at = answered.answered_at;
  both.latency = answered.latency;
  both.newest_answered = std::max(one.newest_answered, other.newest_answered);
  both.oldest_in_line = std::min(oldest_in_line(one, both.newest_answered),
                                 oldest_in_line(other, both.newest_answered));
  both.newest = one.newest + other.newest;
  both.newest_failed = one.newest_failed + other.newest_failed;
  both.failures = 0;
  both.failing_since = Timestamp::max();
  both.of_one_id = true;
  if (both.answered_at >= both.failed_at) return both;
  both.failures = one.failures + other.failures;
  both.of_one_id = one.of_one_id && other.of_one_id && (one.failures == 0 || other.failures == 0);
  both.failing_since = std::max(both.answered_at, std::min(one.failing_since, other.failing_since));
  return both;
}

}  // namespace postoffice
