#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "commands/self_test/checks.hpp"
#include "commands/self_test/trial_queue.hpp"
#include "support/text.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto first_promise_patience = 10s;
constexpr auto life_max = 50ms;  // of a child, from its first promise on
constexpr int under_way_max = 64;

/// In the child, until it is killed, or refused.
void append_for_ever(const std::string& directory, const Child::Tell& tell) {
  std::atomic<int> under_way{0};
  std::atomic<bool> refused{false};
  TrialQueue trial(directory);
  for (postoffice::ObjectId id = 0; !trial.error() && !refused; ++id) {
    while (under_way >= under_way_max) std::this_thread::sleep_for(50us);
    ++under_way;
    trial.queue().append(TrialQueue::ids_of(id), {},
                         [&, id](std::error_code error, const postoffice::Receipt& receipt) {
                           if (error) refused = true;
                           if (!error) tell({Report::Kind::accepted, receipt.sequence, id});
                           --under_way;
                         });
  }
  tell({Report::Kind::refused, 0, 0});
}

/// What a child reported until it was killed; nothing if it never came so far.
std::vector<Report> run_and_kill(const std::string& directory, std::chrono::microseconds life) {
  Child child([&](const Child::Tell& tell) { append_for_ever(directory, tell); });
  std::vector<Report> accepted;
  auto report = child.next(first_promise_patience);
  const auto end = Clock::now() + life;
  for (bool killed = false; report; report = child.next(first_promise_patience)) {
    accepted.push_back(*report);
    if (killed || Clock::now() < end) continue;
    child.kill();
    killed = true;
  }
  return accepted;
}

std::string in_milliseconds(Clock::duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) +
         " ms";
}

}  // namespace

Finding check_crashes(const std::string& directory, const Crashes& crashes) {
  std::mt19937 random(std::random_device{}());
  std::vector<Report> owed;
  std::uint64_t accepted = 0;
  std::uint64_t killed = 0;
  Clock::duration slowest{};
  while (killed < crashes.count && !crashes.cancelled()) {
    if (killed > 0 && crashes.deadline && Clock::now() > *crashes.deadline) break;
    const std::chrono::microseconds life(random() % (life_max / 1us));
    const auto reports = run_and_kill(directory, life);
    if (reports.empty() || reports.back().kind == Report::Kind::refused) {
      return {Finding::Result::failed, "callbacks cannot be made durable"};
    }
    owed.insert(owed.end(), reports.begin(), reports.end());
    accepted += reports.size();
    ++killed;
    // Every other time what is there is left to the next one.
    const bool forget = killed % 2 == 0;
    const auto begun = Clock::now();
    const auto problem = missing(directory, owed, forget);
    slowest = std::max(slowest, Clock::now() - begun);
    if (!problem.empty()) return {Finding::Result::failed, "after a kill: " + problem};
    if (forget) owed.clear();
  }
  return {Finding::Result::ok,
          "a process that appends was killed " + counted(killed, "time") + ": " +
              counted(accepted, "callback") + " acknowledged, all read back; at most " +
              in_milliseconds(slowest) + " to recover and read",
          {{"kills", killed},
           {"callbacks_acknowledged", accepted},
           {"slowest_recovery_seconds", std::chrono::duration<double>(slowest).count()}}};
}

}  // namespace postofficed::self_test
