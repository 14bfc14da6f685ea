// The source: does it answer, in time, with something of use.
#include <algorithm>
#include <string>

#include "admin/health/figures.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::FetchNews;
using postoffice::Timestamp;
using Failure = FetchNews::Failure;

const char* words_for(Failure failure) {
  switch (failure) {
    case Failure::unreachable: return "it cannot be reached";
    case Failure::timed_out: return "it does not answer in time";
    case Failure::refused: break;
  }
  return "it answers nothing that is of use";
}

const char* next_for(Failure failure) {
  switch (failure) {
    case Failure::unreachable: return "check that it runs, and that --source names it";
    case Failure::timed_out: return "find out what it waits for; --fetch-timeout is the limit";
    case Failure::refused: break;
  }
  return "ask it by hand with curl -i; postoffice_refused_answers_total counts by reason";
}

std::string newest(const FetchNews& news) {
  return news.reason + " (id " + std::to_string(news.failed_id) + ")";
}

/// The id that failed has been given up, and is no longer asked for.
bool failed_for_good(const postoffice::PipelineStatus& status) {
  const auto& news = status.fetch_news;
  const auto& dead = status.newest_dead;
  return dead.id == news.failed_id && dead.failed_at >= news.failed_at;
}

/// Before the breaker opens, which takes more failures than a few ids bring about.
void judge_failures(const HealthFigures& figures, Findings& findings) {
  const auto& news = figures.pipeline.fetch_news;
  if (news.failures < HealthBounds::failures_in_a_row) return;
  if (figures.now - news.failing_since < HealthBounds::failing_for) return;
  if (!asks_source(figures.pipeline)) return;
  // Words about one id may concern that id alone. A missing connection concerns all.
  const bool of_the_id = news.of_one_id && news.failure == Failure::refused;
  if (of_the_id && failed_for_good(figures.pipeline)) return;
  const std::string what =
      of_the_id ? "the only id asked for is refused" : std::string(words_for(news.failure));
  findings.push_back({of_the_id ? PartState::degraded : PartState::down,
                      what + ": " + std::to_string(news.failures) + " failures in a row, for " +
                          in_seconds(figures.now - news.failing_since) +
                          "; the newest: " + newest(news),
                      next_for(news.failure), newest(news)});
}

void judge_share(const HealthFigures& figures, Findings& findings) {
  const auto& news = figures.pipeline.fetch_news;
  if (news.newest < HealthBounds::fetches_that_tell) return;
  if (news.newest_failed * 2 < news.newest) return;
  if (figures.now - news.failed_at > HealthBounds::lately) return;
  findings.push_back({PartState::degraded,
                      std::to_string(news.newest_failed) + " of the newest " +
                          std::to_string(news.newest) +
                          " fetches failed; the newest failure: " + newest(news),
                      next_for(news.failure), newest(news), false, HealthBounds::failing_for});
}

void judge_lateness(const HealthFigures& figures, const HealthBounds& bounds, Findings& findings) {
  const auto& status = figures.pipeline;
  const auto& news = status.fetch_news;
  const auto bound = bounds.late_answer();
  const bool recent =
      news.answered_at != Timestamp::min() && figures.now - news.answered_at < HealthBounds::lately;
  const auto mean = recent ? news.latency : postoffice::Duration{};
  const auto waits = news.oldest_in_line == Timestamp::max() ? postoffice::Duration{}
                                                             : figures.now - news.oldest_in_line;
  const auto worst = std::max(mean, waits);
  if (worst <= bound) return;
  findings.push_back({PartState::behind,
                      "it is slow: answers take " + in_seconds(worst) + ", the bound is " +
                          in_seconds(bound) + "; " + std::to_string(status.fetches_in_flight) +
                          " fetches are in flight, " + std::to_string(status.fetch_limit) +
                          " may be",
                      "see its own load; fewer at a time may be faster: --fetch-concurrency",
                      {},
                      false,
                      bound});
}

/// Somebody has dropped or replayed them all.
bool none_is_left(const HealthFigures& figures) {
  const auto& counts = figures.counts;
  if (!counts || counts->dead_letters > 0) return false;
  return counts->letters_at > figures.pipeline.newest_dead.failed_at + HealthBounds::settled_after;
}

/// A dead letter is an accepted callback without a result, which a person should decide about. It
/// is kept and can wait, so it is shown for a while and not for ever.
void judge_dead_letters(const HealthFigures& figures, Findings& findings) {
  const auto& dead = figures.pipeline.newest_dead;
  if (dead.failed_at == Timestamp::min()) return;
  if (figures.now - dead.failed_at > HealthBounds::shown_for || none_is_left(figures)) return;
  const std::string words = "id " + std::to_string(dead.id) + " became a dead letter after " +
                            counted(static_cast<std::uint64_t>(dead.attempts), "attempt") + ": " +
                            dead.reason;
  findings.push_back({PartState::degraded,
                      words + "; " + std::to_string(figures.pipeline.dead) +
                          " since the start, shown for ten minutes, or until none is left",
                      "`postofficed dead-letters list` shows them, `… replay` tries again",
                      words,
                      true,
                      {},
                      true});
}

/// Nothing is wrong: is anything known at all?
void judge_quiet(const HealthFigures& figures, Findings& findings) {
  const auto& status = figures.pipeline;
  const auto& news = status.fetch_news;
  const auto last = std::max(news.answered_at, news.failed_at);
  if (asks_source(status)) return;
  if (last != Timestamp::min() && figures.now - last < HealthBounds::idle_after &&
      news.failures == 0)
    return;
  findings.push_back({PartState::idle,
                      last == Timestamp::min() ? "nothing has been asked yet"
                      : news.failures > 0      ? "nothing is asked; the newest fetch failed"
                                               : "nothing was asked for a minute",
                      {},
                      news.failures > 0 ? newest(news) : std::string(),
                      true});
}

}  // namespace

Findings judge_source(const HealthFigures& figures, const HealthTrends&,
                      const HealthBounds& bounds) {
  Findings findings;
  add_troubles(figures, "source", findings);
  add_troubles(figures, "backlog", findings);
  judge_failures(figures, findings);
  judge_dead_letters(figures, findings);
  judge_share(figures, findings);
  judge_lateness(figures, bounds, findings);
  judge_quiet(figures, findings);
  return findings;
}

}  // namespace postofficed
