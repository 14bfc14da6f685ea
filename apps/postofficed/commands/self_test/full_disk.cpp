#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "commands/self_test/checks.hpp"
#include "commands/self_test/trial_queue.hpp"
#include "support/text.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;

constexpr rlim_t small_file = 64 << 10;  // no segment can be made, and the one there is ends here
constexpr int attempts_max = 2'000;
constexpr int attempts_while_full = 20;
constexpr auto healing_max = 8s;

void limit_files(rlim_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = std::min(bytes, limit.rlim_max);
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// In the child. Files that may not grow are as good as a full disk: the same calls fail at the
/// same places, and nobody needs to be root.
void fill_and_heal(const std::string& directory, const Child::Tell& tell) {
  ::signal(SIGXFSZ, SIG_IGN);
  TrialQueue trial(directory);
  if (trial.error()) return;
  postoffice::ObjectId id = 0;
  const auto append = [&] {
    const auto report = trial.append(id++);
    tell(report);
    return report.kind;
  };
  if (append() != Report::Kind::accepted) return;
  limit_files(small_file);
  int attempts = 0;
  while (append() == Report::Kind::accepted && ++attempts < attempts_max) continue;
  for (attempts = 0; attempts < attempts_while_full; ++attempts) {
    append();
    std::this_thread::sleep_for(5ms);
  }
  limit_files(RLIM_INFINITY);
  const auto end = std::chrono::steady_clock::now() + healing_max;
  while (append() == Report::Kind::refused && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace

Finding check_full_disk(const std::string& directory) {
  std::vector<Report> accepted;
  std::uint64_t refused = 0;
  auto last = Report::Kind::refused;
  {
    Child child([&](const Child::Tell& tell) { fill_and_heal(directory, tell); });
    for (auto report = child.next(12s); report; report = child.next(12s)) {
      last = report->kind;
      if (last == Report::Kind::accepted) accepted.push_back(*report);
      if (last == Report::Kind::refused) ++refused;
    }
  }
  using Result = Finding::Result;
  if (accepted.empty()) return {Result::failed, "no callback could be made durable"};
  if (refused == 0) return {Result::failed, "callbacks without room were not refused"};
  const auto problem = missing(directory, accepted, false);
  if (!problem.empty()) return {Result::failed, "when room had run out: " + problem};
  if (last != Report::Kind::accepted) {
    return {Result::failed, "callbacks are still refused 8 s after room was available again"};
  }
  return {Result::ok,
          counted(accepted.size(), "callback") + " accepted and kept, " +
              counted(refused, "callback") +
              " refused while there was no room, accepted again afterwards (files were " +
              "kept from growing; the disk itself was not filled)",
          {{"callbacks_kept", accepted.size()}, {"callbacks_refused", refused}}};
}

}  // namespace postofficed::self_test
