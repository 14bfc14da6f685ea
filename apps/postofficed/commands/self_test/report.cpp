#include "commands/self_test/report.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "support/json.hpp"
#include "support/machine.hpp"

namespace postofficed::self_test {
namespace {

void print(const char* name, const Finding& finding) {
  const char* word = "ok";
  if (finding.result == Finding::Result::warning) word = "warning";
  if (finding.result == Finding::Result::failed) word = "FAILED";
  std::printf("%-8s %-12s %s\n", word, name, finding.text.c_str());
  std::fflush(stdout);  // a child must not find it in the buffer
}

const char* word_for_programs(Finding::Result result) {
  switch (result) {
    case Finding::Result::ok: return "ok";
    case Finding::Result::warning: return "warning";
    case Finding::Result::failed: break;
  }
  return "failed";
}

void write(Json& json, const char* name, const Finding& finding) {
  json.begin_object()
      .member("check", name)
      .member("result", word_for_programs(finding.result))
      .member("text", finding.text)
      .key("figures")
      .begin_object();
  for (const auto& figure : finding.figures) {
    std::visit([&](const auto& value) { json.member(figure.name, value); }, figure.value);
  }
  json.end_object().end_object();
}

}  // namespace

void Report::add(const char* name, Finding finding) {
  if (!json_) print(name, finding);
  entries_.push_back({name, std::move(finding)});
}

std::uint64_t Report::count(Finding::Result result) const {
  return static_cast<std::uint64_t>(
      std::count_if(entries_.begin(), entries_.end(),
                    [&](const Entry& entry) { return entry.finding.result == result; }));
}

void Report::conclude() const {
  if (json_) return print_json();
  std::printf(
      "not checked: a power cut. kill -9 ends a process, not the machine. Only cutting the power\n"
      "shows whether this disk keeps what it claims to have synced.\n");
  print_verdict();
}

void Report::print_verdict() const {
  const auto warnings = count(Finding::Result::warning);
  if (count(Finding::Result::failed) > 0) {
    std::printf("verdict: FAILED, do not put a queue here\n");
  } else if (warnings > 0) {
    std::printf("verdict: works, but see the %s above\n", warnings == 1 ? "warning" : "warnings");
  } else {
    std::printf("verdict: good\n");
  }
}

void Report::print_json() const {
  const bool failed = count(Finding::Result::failed) > 0;
  const bool warned = count(Finding::Result::warning) > 0;
  Json json;
  json.begin_object().member("certificate", "postofficed self-test");
  write_machine(json, directory_);
  json.key("checks").begin_array();
  for (const auto& entry : entries_) write(json, entry.name, entry.finding);
  json.end_array()
      .key("not_checked")
      .begin_array()
      .value("a power cut")
      .end_array()
      .member("verdict", failed   ? "failed"
                         : warned ? "warning"
                                  : "good")
      .end_object();
  std::printf("%s\n", json.text().c_str());
}

}  // namespace postofficed::self_test
