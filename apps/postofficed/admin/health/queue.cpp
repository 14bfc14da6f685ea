// The file queue: can it take a callback, and will it be able to for some time.
#include <algorithm>
#include <cstdio>
#include <string>

#include "admin/health/figures.hpp"
#include "support/text.hpp"

namespace postofficed {
namespace {

using Space = postoffice::FileQueue::Space;

constexpr const char* about_room =
    "free space on the disk of the queue (df -h, du -x), or find out why ids do not end: see the "
    "parts source and store";

std::string in_mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

/// What is free and not left to others.
std::uint64_t room(const Space& space) {
  return space.disk_free - std::min(space.disk_free, space.left_to_others);
}

void judge_growth(const Space& space, Findings& findings) {
  if (space.spare_taken) {
    findings.push_back({PartState::degraded,
                        "its spare file is in use, and no file may be added; callbacks are refused "
                        "once the newest file is full",
                        about_room, "the spare file is in use", true});
  }
}

void judge_room(const Space& space, const HealthTrends& trends, Findings& findings) {
  if (space.disk_free == Space::unknown) return;
  const auto left = room(space);
  const auto bound = std::min(HealthBounds::disk_free, space.disk_size / 10);
  const std::string words = "the disk fills: " + in_mib(left) + " are left for the queue (" +
                            in_mib(space.disk_free) + " are free, " + in_mib(space.left_to_others) +
                            " are left to others)";
  if (left < bound) {
    return findings.push_back({PartState::degraded, words + ", the bound is " + in_mib(bound),
                               about_room, words, false, HealthBounds::lately});
  }
  const std::chrono::duration<double> soon = HealthBounds::disk_full_within;
  if (static_cast<double>(left) >= trends.growth * soon.count()) return;
  const auto rate = static_cast<std::uint64_t>(trends.growth);
  findings.push_back({PartState::degraded,
                      words + "; it grows by " + in_mib(rate * 60) +
                          " a minute, which fills them within ten minutes",
                      about_room, words, false, HealthBounds::lately});
}

void judge_losses(const HealthFigures& figures, const HealthTrends& trends, Findings& findings) {
  if (trends.lost_at == postoffice::Timestamp::min()) return;
  if (figures.now - trends.lost_at > HealthBounds::shown_for) return;
  const std::string words = counted(figures.lost_records, "callback") +
                            " that had been durable cannot be read: the files are damaged";
  findings.push_back({PartState::degraded,
                      words,
                      "`postofficed journal verify` shows where; check the disk (smartctl, dmesg)",
                      words,
                      true,
                      {},
                      true});
}

}  // namespace

Findings judge_queue(const HealthFigures& figures, const HealthTrends& trends,
                     const HealthBounds&) {
  Findings findings;
  add_troubles(figures, "queue", findings);
  if (figures.space) {
    judge_growth(*figures.space, findings);
    judge_room(*figures.space, trends, findings);
  }
  judge_losses(figures, trends, findings);
  return findings;
}

}  // namespace postofficed
