#include "commands/bench/verdict.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "support/figures.hpp"
#include "support/flush_times.hpp"
#include "support/text.hpp"

namespace postofficed::bench {
namespace {

constexpr double all_busy = 0.93;     // of the machine: the rest is lost between any two threads
constexpr double thread_busy = 0.92;  // of one processor
constexpr double busy_before = 0.5;   // load, for each processor

std::string processors(double count) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", count);
  return text;
}

/// "main", without the number that tells it from others of its name.
std::string bare_name(const std::string& thread) { return thread.substr(0, thread.rfind('/')); }

std::string senders(std::size_t count) {
  return count == 1 ? "one sender at a time" : std::to_string(count) + " senders at once";
}

std::string rate_and_times(const Phase& phase) {
  return show_count(phase.per_second) + " durable callbacks a second, p50 " +
         show_seconds(phase.times.p50) + ", p99 " + show_seconds(phase.times.p99);
}

std::string promise(const Phase& phase, std::size_t ids) {
  return "this disk promises " + rate_and_times(phase) + ", to " + senders(phase.connections) +
         " (" + show_count(phase.per_second * static_cast<double>(ids)) + " ids a second)";
}

std::string reason(const Phase& phase, std::size_t count) {
  const auto& usage = phase.usage;
  const std::string share = "the daemon took " + processors(usage.daemon) + ", this load " +
                            processors(usage.client + usage.source);
  const auto what = [&]() -> std::string {
    switch (find_limit(phase, count)) {
      case Limit::client:
        return "this program's own sender, which has one processor to itself: the daemon could do "
               "more";
      case Limit::thread:
        return "one thread of the daemon (" + bare_name(usage.thread) +
               ") has a processor to itself" +
               (bare_name(usage.thread) == "ingress" ? "; try --ingress-threads 2" : "");
      case Limit::processors:
        return "the processors: all " + std::to_string(count) + " were busy (" +
               processors(usage.machine) + " of them)";
      case Limit::others:
        return "other programs on this machine, which took " + processors(usage.others()) +
               " of its " + counted(count, "processor");
      case Limit::disk: break;
    }
    return "the disk: senders wait for its flushes, while processors are idle";
  };
  return "what limits it with " + senders(phase.connections) + ": " + what() + "; " + share;
}

std::string describe(const Job& job) {
  std::string text =
      "the whole job, from callback to row: " + show_count(job.ids_per_second) + " ids a second";
  if (job.one_callback.count == 0) return text;
  return text + "; the ids of a single callback are stored after " +
         show_seconds(job.one_callback.p50) + " (p99 " + show_seconds(job.one_callback.p99) + ")";
}

std::vector<std::string> find_warnings(const Figures& figures) {
  std::vector<std::string> warnings;
  if (!figures.objection.empty()) {
    warnings.push_back(figures.file_system + ": " + figures.objection);
  }
  const double plausible = std::chrono::duration<double>(plausible_flush).count();
  if (figures.flush.p50 < plausible) {
    warnings.push_back("flushes are implausibly fast (" + show_seconds(figures.flush.p50) +
                       "); they may not reach stable storage");
  }
  if (figures.load_before > busy_before * static_cast<double>(figures.processors)) {
    warnings.push_back("the machine was busy before this began (load " +
                       processors(figures.load_before) + " on " +
                       counted(figures.processors, "processor") + "): the figures are too low");
  }
  std::uint64_t refused = 0;
  for (const auto& phase : figures.phases) refused += phase.refused + phase.failed;
  if (refused > 0) {
    warnings.push_back(
        counted(refused, "callback") +
        " got no 202: a flush took longer than a sender waits, or connections broke");
  }
  return warnings;
}

}  // namespace

Limit find_limit(const Phase& phase, std::size_t processors) {
  const auto& usage = phase.usage;
  if (usage.client >= thread_busy) return Limit::client;
  if (usage.machine >= all_busy * static_cast<double>(processors)) {
    return usage.others() > usage.ours() ? Limit::others : Limit::processors;
  }
  return usage.thread_share >= thread_busy ? Limit::thread : Limit::disk;
}

const char* name_of(Limit limit) {
  switch (limit) {
    case Limit::disk: return "disk";
    case Limit::thread: return "thread";
    case Limit::processors: return "processors";
    case Limit::others: return "others";
    case Limit::client: return "client";
  }
  return "unknown";
}

Verdict judge(const Figures& figures) {
  Verdict verdict;
  if (!figures.phases.empty()) {
    verdict.promises.push_back(promise(figures.phases.back(), figures.parameters.ids_per_callback));
  }
  for (std::size_t i = 0; i + 1 < figures.phases.size(); ++i) {
    const auto& phase = figures.phases[i];
    verdict.promises.push_back("with " + senders(phase.connections) + ": " + rate_and_times(phase));
  }
  verdict.promises.push_back(describe(figures.job));
  if (!figures.phases.empty()) {
    verdict.promises.push_back(reason(figures.phases.back(), figures.processors));
  }
  verdict.warnings = find_warnings(figures);
  return verdict;
}

}  // namespace postofficed::bench
