#include "commands/bench/report.hpp"

namespace postofficed::bench {
namespace {

using Unit = Comparison::Unit;

void add(std::vector<Comparison>& all, const std::string& name, Unit unit, double now,
         const JsonValue& then) {
  if (const auto number = then.number()) all.push_back({name, unit, now, *number});
}

std::string senders(std::size_t count) {
  return count == 1 ? ", one sender" : ", " + std::to_string(count) + " senders";
}

}  // namespace

std::vector<Comparison> compare(const Figures& figures, const JsonValue& certificate) {
  std::vector<Comparison> all;
  const auto& flush = certificate["flush"];
  add(all, "flush p50", Unit::seconds, figures.flush.p50, flush["p50_seconds"]);
  add(all, "flush p99", Unit::seconds, figures.flush.p99, flush["p99_seconds"]);
  for (const auto& phase : figures.phases) {
    for (const auto& then : certificate["phases"].items()) {
      if (then["connections"].number() != static_cast<double>(phase.connections)) continue;
      const auto who = senders(phase.connections);
      add(all, "callbacks/s" + who, Unit::per_second, phase.per_second,
          then["callbacks_per_second"]);
      add(all, "p99" + who, Unit::seconds, phase.times.p99, then["answer"]["p99_seconds"]);
    }
  }
  const auto& job = certificate["job"];
  add(all, "ids/s, callback to row", Unit::per_second, figures.job.ids_per_second,
      job["ids_per_second"]);
  add(all, "one callback to its rows, p50", Unit::seconds, figures.job.one_callback.p50,
      job["one_callback"]["p50_seconds"]);
  add(all, "memory", Unit::bytes, figures.memory_peak_bytes, certificate["memory_peak_bytes"]);
  return all;
}

}  // namespace postofficed::bench
