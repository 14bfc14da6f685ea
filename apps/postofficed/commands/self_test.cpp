// `postofficed self-test DIR`: whether the promises can be kept on somebody's disk.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <utility>

#include "commands/commands.hpp"
#include "commands/self_test/checks.hpp"
#include "commands/self_test/report.hpp"
#include "support/held_signals.hpp"
#include "support/progress.hpp"
#include "support/text.hpp"
#include "support/work_directory.hpp"

namespace postofficed {
namespace {

using namespace std::chrono_literals;
using self_test::Finding;

constexpr std::size_t crashes_by_default = 20;
constexpr auto time_for_crashes = 6s;  // by default

struct Check {
  const char* name;
  std::function<Finding()> run;
};

std::vector<Check> checks_in(const WorkDirectory& work, const Options& options,
                             const std::function<bool()>& cancelled) {
  return {
      {"file system", [&] { return self_test::check_file_system(work.path()); }},
      {"names", [&] { return self_test::check_names(work / "names"); }},
      {"sync", [&] { return self_test::check_sync(work.path()); }},
      {"kill -9",
       [&] {
         self_test::Crashes crashes{options.crashes.value_or(crashes_by_default), {}, cancelled};
         if (!options.crashes) {
           crashes.deadline = std::chrono::steady_clock::now() + time_for_crashes;
         }
         return self_test::check_crashes(work / "crashes", crashes);
       }},
      {"full disk", [&] { return self_test::check_full_disk(work / "full"); }},
      {"reserve", [&] { return self_test::check_reserve(work / "reserve"); }},
  };
}

Failure judge(const std::string& directory, const self_test::Report& report) {
  const auto failed = report.count(Finding::Result::failed);
  if (failed == 0) return {};
  return {ExitCode::journal,
          "self-test of " + directory + ": " + counted(failed, "check") + " failed"};
}

}  // namespace

Failure self_test_command(const Options& options) {
  const auto& directory = options.directory;
  const HeldSignals signals;
  const WorkDirectory work(directory, "postofficed-self-test-");
  if (work.error()) {
    return {ExitCode::journal, "self-test of " + directory + ": " + work.error().message()};
  }
  std::filesystem::create_directory(work / "names");
  self_test::Report report(directory, options.json);
  Progress progress("self-test");
  const std::function<bool()> cancelled = [&] {
    progress.update();
    return signals.any();
  };
  for (const auto& check : checks_in(work, options, cancelled)) {
    progress.rename(std::string("self-test: ") + check.name);
    progress.update();
    auto finding = check.run();
    progress.clear();  // it may be on the same terminal
    report.add(check.name, std::move(finding));
    if (signals.any()) return {};  // the signal comes through when everything is cleaned up
  }
  report.conclude();
  return judge(directory, report);
}

}  // namespace postofficed
