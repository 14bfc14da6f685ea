#include "admin/health/watch.hpp"

#include <algorithm>
#include <utility>

#include "support/text.hpp"

namespace postofficed {
namespace {

using postoffice::LogLevel;
using postoffice::Timestamp;
using namespace std::chrono_literals;

constexpr auto between_lines = 10s;
/// Growth is known after the first of these times, and forgotten after the second.
constexpr auto growth_from = 30s;
constexpr auto growth_over = 60s;

/// The worst; of equally bad ones the first.
Finding worst_of(Findings findings) {
  Finding worst;
  for (Finding& finding : findings) {
    const bool quiet =
        finding.state == PartState::idle && worst.state == PartState::well && worst.means.empty();
    if (quiet || finding.state > worst.state) worst = std::move(finding);
  }
  return worst;
}

template <typename Samples>
void add(Samples& samples, Timestamp now, std::uint64_t value, postoffice::Duration span) {
  samples.push_back({now, value});
  while (samples.size() > 2 && samples[1].time <= now - span) samples.pop_front();
}

std::uint64_t rise(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

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
    const std::chrono::duration<double> span = figures.now - held_.front().time;
    trends_.growth =
        span < growth_from
            ? 0
            : static_cast<double>(rise(held_.front().value, held_.back().value)) / span.count();
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

PartHealth HealthWatch::judge(const char* name, Findings findings, const HealthFigures& figures) {
  const auto now = figures.now;
  const auto [place, fresh] = parts_.try_emplace(name);
  Part& part = place->second;
  Finding found = worst_of(std::move(findings));
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
    if (is_trouble(finding.state)) ++part.turns;
  }
  part.health.means = finding.means;
  part.health.next = finding.next;
  if (!finding.error.empty()) part.health.last_error = finding.error;
  tell(part, now);
  return part.health;
}

// By what was logged last, not by events: however often a part turns, the last line is true in the
// end.
void HealthWatch::tell(Part& part, Timestamp now) {
  const PartHealth& health = part.health;
  const bool trouble = is_trouble(health.state);
  const bool same = trouble ? health.state == part.logged : !is_trouble(part.logged);
  if (same || now < part.next_line) return;
  const bool told = trouble ? part.finding.told : part.told;
  if (!is_trouble(part.logged)) part.logged_since = health.since;
  const auto before = std::exchange(part.logged, health.state);
  const int skipped = std::exchange(part.turns, 0) - (trouble ? 1 : 0);
  part.told = part.finding.told;
  if (told) return;
  part.next_line = now + between_lines;
  const std::string often =
      skipped > 0 ? " (" + counted(static_cast<std::uint64_t>(skipped), "turn") + " in between)"
                  : std::string();
  const std::string begin = health.part + ": " + name_of(health.state);
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
