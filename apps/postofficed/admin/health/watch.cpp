#include "admin/health/watch.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::LogLevel;
using postoffice::Timestamp;
using namespace std::chrono_literals;

constexpr auto between_lines = 10s;
/// Growth is what has been going on for so long.
constexpr auto growth_over = 60s;

/// The worst, events last; of equally bad ones the first.
Finding worst_of(const Findings& findings) {
  Finding worst;
  for (const Finding& finding : findings) {
    const bool quiet =
        finding.state == PartState::idle && worst.state == PartState::well && worst.means.empty();
    const bool live = is_trouble(finding.state) && !finding.event;
    const bool instead = live && worst.event;
    const bool later = finding.event && is_trouble(worst.state) && !worst.event;
    if (quiet || instead || (!later && finding.state > worst.state)) worst = finding;
  }
  return worst;
}

/// Those that the worst one does not tell.
std::vector<PartEvent> events_in(const Findings& findings, const Finding& worst) {
  std::vector<PartEvent> events;
  for (const Finding& finding : findings) {
    if (!finding.event || finding.means == worst.means) continue;
    events.push_back({finding.state, finding.means, finding.next});
  }
  return events;
}

template <typename Samples>
void add(Samples& samples, Timestamp now, std::uint64_t value, postoffice::Duration span) {
  samples.push_back({now, value});
  while (samples.size() > 2 && samples[1].time <= now - span) samples.pop_front();
}

std::uint64_t rise(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

/// In bytes a second: the pace of the slowest third. Files are added whole, so one of them, or a
/// burst, is no pace.
template <typename Samples>
double steady_growth(const Samples& samples) {
  constexpr int pieces = 3;
  const auto begin = samples.front().time;
  const auto span = samples.back().time - begin;
  if (span < growth_over) return 0;
  auto least = std::numeric_limits<std::uint64_t>::max();
  std::size_t at = 0;
  for (int piece = 1; piece <= pieces; ++piece) {
    const auto before = samples[at].value;
    const auto end = begin + span * piece / pieces;
    while (at + 1 < samples.size() && samples[at + 1].time <= end) ++at;
    least = std::min(least, rise(before, samples[at].value));
  }
  return static_cast<double>(pieces * least) / std::chrono::duration<double>(span).count();
}

}  // namespace

HealthWatch::HealthWatch(HealthBounds bounds, postoffice::Log log)
    : bounds_(bounds), log_(std::move(log)) {}

std::vector<PartHealth> HealthWatch::look(const HealthFigures& figures) {
  const std::lock_guard lock(mutex_);
  follow(figures);
  std::vector<PartHealth> parts;
  const auto add = [&](const char* name, bool has, auto judge_part) {
    if (has) parts.push_back(judge(name, judge_part(figures, trends_, bounds_), figures));
  };
  add("ingress", figures.ingress.has_value(), judge_ingress);
  add("queue", figures.space.has_value(), judge_queue);
  add("broker", figures.has_broker, judge_broker);
  add("source", figures.has_source, judge_source);
  add("store", true, judge_store);
  add("expiry", figures.has_source, judge_expiry);
  return parts;
}

void HealthWatch::follow(const HealthFigures& figures) {
  if (figures.ingress) {
    add(refused_, figures.now, figures.ingress->refused, HealthBounds::lately);
    trends_.refused = rise(refused_.front().value, refused_.back().value);
  }
  if (figures.space) {
    add(held_, figures.now, figures.space->held, growth_over);
    trends_.growth = steady_growth(held_);
  }
  const auto lagging = std::min(trends_.lagging_since, figures.now);
  trends_.lagging_since = watermark_lags(figures) ? lagging : Timestamp::max();
  if (figures.lost_records > std::exchange(lost_before_, figures.lost_records)) {
    trends_.lost_at = figures.now;
  }
  follow_dead_letters(figures);
}

void HealthWatch::follow_dead_letters(const HealthFigures& figures) {
  const auto& dead = figures.pipeline.newest_dead;
  const auto count = rise(dead_told_, figures.pipeline.dead);
  if (count == 0 || dead.failed_at == Timestamp::min() || figures.now < next_dead_line_) return;
  dead_told_ = figures.pipeline.dead;
  next_dead_line_ = figures.now + between_lines;
  const auto tries = static_cast<std::uint64_t>(std::max(dead.attempts, 0));
  say(LogLevel::warning,
      "id " + std::to_string(dead.id) + " became a dead letter after " + counted(tries, "attempt") +
          " in " + in_seconds(dead.failed_at - dead.received_at) + ": " + dead.reason +
          (count > 1 ? "; so did " + counted(count - 1, "other id") + " since the last such line"
                     : std::string()) +
          "; `postofficed dead-letters list` shows all");
}

PartHealth HealthWatch::judge(const char* name, const Findings& findings,
                              const HealthFigures& figures) {
  const auto now = figures.now;
  const auto [place, fresh] = parts_.try_emplace(name);
  Part& part = place->second;
  Finding found = worst_of(findings);
  if (fresh) {
    part.health.part = name;
    part.health.state = found.state;
    part.health.since = now;
  }
  const bool better = found.state < part.finding.state && is_trouble(part.finding.state);
  const bool held = better && now < part.last_seen + part.finding.holds;
  if (!held) {
    part.finding = std::move(found);
    part.last_seen = now;
  }
  const Finding& finding = part.finding;
  if (finding.state != part.health.state) {
    part.health.state = finding.state;
    part.health.since = now;
    if (is_trouble(finding.state) && !finding.event) ++part.turns;
  }
  part.health.means = finding.means;
  part.health.next = finding.next;
  part.health.events = events_in(findings, finding);
  if (!finding.error.empty()) part.health.last_error = finding.error;
  tell(part, now);
  return part.health;
}

// By what was logged last, not by events: however often a part turns, the last line is true in the
// end.
void HealthWatch::tell(Part& part, Timestamp now) {
  const PartHealth& health = part.health;
  // An event has a line of its own.
  const auto state = part.finding.event ? PartState::well : health.state;
  const bool trouble = is_trouble(state);
  const bool same = trouble ? state == part.logged : !is_trouble(part.logged);
  if (same || now < part.next_line) return;
  const bool told = trouble ? part.finding.told : part.told;
  if (!is_trouble(part.logged)) part.logged_since = health.since;
  const auto before = std::exchange(part.logged, state);
  const int skipped = std::exchange(part.turns, 0) - (trouble ? 1 : 0);
  part.told = part.finding.told;
  if (told) return;
  part.next_line = now + between_lines;
  const std::string often =
      skipped > 0 ? " (" + counted(static_cast<std::uint64_t>(skipped), "turn") + " in between)"
                  : std::string();
  const std::string begin = health.part + ": " + name_of(state);
  if (!trouble) {
    return say(LogLevel::info, begin + " again, after " + in_seconds(now - part.logged_since) +
                                   " " + name_of(before) + often);
  }
  say(LogLevel::warning,
      begin + often + ": " + health.means + (health.next.empty() ? "" : "; " + health.next));
}

void HealthWatch::say(LogLevel level, const std::string& text) const {
  if (log_) log_(level, "health: " + text);
}

}  // namespace postofficed
