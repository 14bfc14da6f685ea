// strace: failing system calls of a program, and the log of what it did.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "integration/postofficed.hpp"
#include "support/skip.hpp"

namespace postoffice::testing {

inline constexpr const char* strace_program = "/usr/bin/strace";

/// What to put in front of a command. The program stays our child and gets its signals itself; the
/// tracer is a process beside it, which ends with it.
inline Arguments straced(const std::string& log, const Arguments& expressions) {
  Arguments prefix{strace_program, "-D", "-I", "2", "-f", "-qq", "-y", "-s", "40", "-o", log};
  prefix.insert(prefix.end(), expressions.begin(), expressions.end());
  return prefix;
}

/// Whether strace is here and may trace; the case is skipped if not.
inline bool strace_works() {
  const TemporaryDirectory notes;
  auto command = straced(notes / "log", {});
  command.emplace_back("/bin/true");
  if (access(strace_program, X_OK) == 0 && Process(command).exit_code() == 0 &&
      eventually([&] { return !content_of(notes / "log").empty(); }, std::chrono::seconds(2))) {
    return true;
  }
  skip("strace is missing or may not trace");
  return false;
}

/// From then on the program runs without tracing.
inline void stop_tracing(pid_t program) {
  const auto tracer = [program] {
    const auto status = content_of("/proc/" + std::to_string(program) + "/status");
    const auto place = status.find("TracerPid:");
    return place == std::string::npos ? 0 : std::atoi(status.c_str() + place + 10);
  };
  if (const pid_t id = tracer(); id > 0) kill(id, SIGTERM);
  CHECK(eventually([&] { return tracer() == 0; }));
}

/// The begin or the end of a call. They are in the order in which they happened.
struct TraceEvent {
  std::string call;
  std::string arguments;  // of an end, too
  bool begins = false;
  bool ends = false;
  std::int64_t result = 0;
  std::string rest;  // what strace says behind the result
};

class TraceReader {
 public:
  static std::vector<TraceEvent> read(const std::string& log) {
    TraceReader reader;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) reader.add(line);
    return std::move(reader.events_);
  }

 private:
  void add(const std::string& line) {
    const auto thread = line.substr(0, line.find(' '));
    const auto begin = line.find_first_not_of(' ', thread.size());
    if (begin == std::string::npos) return;
    auto text = line.substr(begin);
    TraceEvent event;
    const std::string resumed = " resumed>";
    const std::string unfinished = " <unfinished ...>";
    if (text.rfind("<... ", 0) == 0) {
      event = waiting_[thread];
      event.begins = false;
      text = text.substr(text.find(resumed) + resumed.size());
    } else {
      const auto open = text.find('(');
      if (open == std::string::npos) return;
      event.call = text.substr(0, open);
      event.begins = true;
      text = text.substr(open + 1);
    }
    if (text.size() > unfinished.size() && text.ends_with(unfinished)) {
      event.arguments = text.substr(0, text.size() - unfinished.size());
      waiting_[thread] = event;
    } else if (const auto result = text.rfind(") = "); result != std::string::npos) {
      event.ends = true;
      event.arguments += text.substr(0, result);
      event.result = std::atoll(text.c_str() + result + 4);
      event.rest = text.substr(result + 4);
    } else if (const auto spaced = text.rfind(" = "); spaced != std::string::npos) {
      event.ends = true;  // strace aligns short calls: ")     = 0"
      event.arguments += text.substr(0, text.rfind(')', spaced));
      event.result = std::atoll(text.c_str() + spaced + 3);
      event.rest = text.substr(spaced + 3);
    }
    events_.push_back(std::move(event));
  }

  std::map<std::string, TraceEvent> waiting_;
  std::vector<TraceEvent> events_;
};

/// "7</path/of/file>": the descriptor that a call is about.
inline std::string descriptor_of(const TraceEvent& event) {
  return event.arguments.substr(0, event.arguments.find('>') + 1);
}

}  // namespace postoffice::testing
