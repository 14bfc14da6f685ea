#include "commands/bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "support/figures.hpp"
#include "support/json.hpp"
#include "support/machine.hpp"

namespace postofficed::bench {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

std::string two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string row(const Phase& phase) {
  const auto& times = phase.times;
  return padded(std::to_string(phase.connections), 8) + padded(show_count(phase.per_second), 13) +
         padded(show_seconds(times.p50), 10) + padded(show_seconds(times.p99), 10) +
         padded(show_seconds(times.p999), 10) + padded(two_digits(phase.usage.daemon), 10) +
         padded(two_digits(phase.usage.client), 9) + padded(two_digits(phase.usage.source), 9) +
         "\n";
}

std::string table(const Figures& figures) {
  const auto& flush = figures.flush;
  std::string text = "flush of this disk: p50 " + show_seconds(flush.p50) + ", p99 " +
                     show_seconds(flush.p99) + ", most " + show_seconds(flush.most) + " (" +
                     std::to_string(flush.count) + " of them)\n\n";
  text += " senders  callbacks/s       p50       p99     p99.9    daemon   client   source\n";
  for (const auto& phase : figures.phases) text += row(phase);
  text += "(daemon, client, source: processors in use)\n\n";
  text += "memory of the daemon: at most " + show_bytes(figures.memory_peak_bytes) + "\n\n";
  return text;
}

std::string show(double value, Comparison::Unit unit) {
  switch (unit) {
    case Comparison::Unit::per_second: return show_rate(value);
    case Comparison::Unit::seconds: return show_seconds(value);
    case Comparison::Unit::bytes: break;
  }
  return show_bytes(value);
}

std::string show(const Comparison& comparison) {
  constexpr double noise = 0.1;  // two measurements of the same differ by as much
  const double ratio = comparison.ratio();
  const bool same = std::abs(ratio - 1) < noise;
  const bool better = (ratio > 1) == (comparison.unit == Comparison::Unit::per_second);
  return "  " + comparison.name +
         std::string(32 - std::min<std::size_t>(32, comparison.name.size()), ' ') +
         padded(show(comparison.now, comparison.unit), 12) +
         padded(show(comparison.then, comparison.unit), 12) + padded(two_digits(ratio), 8) +
         " x  " +
         (same     ? "about the same"
          : better ? "better"
                   : "worse") +
         "\n";
}

void write(Json& json, const char* name, const Times& times) {
  json.key(name)
      .begin_object()
      .member("count", times.count)
      .member("p50_seconds", times.p50)
      .member("p99_seconds", times.p99)
      .member("p999_seconds", times.p999)
      .member("most_seconds", times.most)
      .end_object();
}

void write(Json& json, const Usage& usage) {
  json.key("processors_used")
      .begin_object()
      .member("daemon", usage.daemon)
      .member("client", usage.client)
      .member("source", usage.source)
      .member("machine", usage.machine)
      .member("busiest_thread", usage.thread)
      .member("busiest_thread_share", usage.thread_share)
      .end_object();
}

void write(Json& json, const Parameters& parameters) {
  json.key("parameters")
      .begin_object()
      .member("seconds", parameters.seconds)
      .member("ids_per_callback", parameters.ids_per_callback)
      .member("objects", parameters.objects)
      .member("source_latency_seconds", parameters.source_latency_seconds)
      .member("fetch_concurrency", parameters.fetch_concurrency)
      .member("ingress_threads", parameters.ingress_threads)
      .end_object();
}

void write(Json& json, const Phase& phase, std::size_t processors) {
  json.begin_object()
      .member("connections", phase.connections)
      .member("callbacks_per_second", phase.per_second)
      .member("accepted", phase.accepted)
      .member("refused", phase.refused)
      .member("failed", phase.failed)
      .member("limit", name_of(find_limit(phase, processors)));
  write(json, "answer", phase.times);
  write(json, phase.usage);
  json.end_object();
}

void write(Json& json, const char* name, const std::vector<std::string>& sentences) {
  json.key(name).begin_array();
  for (const auto& sentence : sentences) json.value(sentence);
  json.end_array();
}

void write(Json& json, const std::vector<Comparison>& comparisons) {
  if (comparisons.empty()) return;
  json.key("compared").begin_array();
  for (const auto& one : comparisons) {
    json.begin_object()
        .member("figure", one.name)
        .member("now", one.now)
        .member("then", one.then)
        .member("ratio", one.ratio())
        .end_object();
  }
  json.end_array();
}

}  // namespace

std::string to_text(const Figures& figures, const Verdict& verdict,
                    const std::vector<Comparison>& comparisons) {
  std::string text = table(figures);
  for (const auto& sentence : verdict.promises) {
    text += (&sentence == &verdict.promises.front() ? "verdict: " : "  ") + sentence + "\n";
  }
  for (const auto& warning : verdict.warnings) text += "warning: " + warning + "\n";
  if (comparisons.empty()) return text;
  text += "\n" + padded("now", 46) + padded("then", 12) + padded("ratio", 8) + "\n";
  for (const auto& comparison : comparisons) text += show(comparison);
  return text;
}

std::string to_json(const Figures& figures, const Verdict& verdict,
                    const std::vector<Comparison>& comparisons, const std::string& directory) {
  Json json;
  json.begin_object().member("certificate", certificate_name);
  write_machine(json, directory);
  write(json, figures.parameters);
  json.member("load_average_before", figures.load_before);
  write(json, "flush", figures.flush);
  json.key("phases").begin_array();
  for (const auto& phase : figures.phases) write(json, phase, figures.processors);
  json.end_array().key("job").begin_object();
  json.member("ids_per_second", figures.job.ids_per_second);
  write(json, "one_callback", figures.job.one_callback);
  write(json, figures.job.usage);
  json.end_object().member("memory_peak_bytes", figures.memory_peak_bytes);
  write(json, "verdict", verdict.promises);
  write(json, "warnings", verdict.warnings);
  write(json, comparisons);
  json.end_object();
  return json.text();
}

}  // namespace postofficed::bench
