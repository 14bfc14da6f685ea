// The real daemon, on free ports, with a data directory of its own.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/http_call.hpp"
#include "support/process.hpp"

namespace postoffice::testing {

using Arguments = std::vector<std::string>;

/// Runs a command to its end.
struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

/// The daemon of this build, or another one (an older one, to see that a test fails with it).
inline std::string postofficed() {
  const char* other = std::getenv("POSTOFFICED_UNDER_TEST");
  return other ? other : POSTOFFICED;
}

inline Outcome run_postofficed(Arguments arguments, const Process::Setup& setup = {}) {
  arguments.insert(arguments.begin(), postofficed());
  Process process(arguments, setup);
  Outcome outcome;
  outcome.code = process.exit_code();
  outcome.out = process.out();
  outcome.err = process.err();
  return outcome;
}

class Daemon {
 public:
  /// On `data_dir`; with a source that nobody serves unless the arguments name another. `prefix`
  /// is a program that runs it, with its arguments.
  explicit Daemon(const std::string& data_dir, Arguments more = {},
                  const Process::Setup& setup = {}, bool own_ports = true, Arguments prefix = {}) {
    Arguments arguments = std::move(prefix);
    arguments.insert(arguments.end(), {postofficed(), "--data-dir", data_dir});
    if (own_ports) {
      arguments.insert(arguments.end(),
                       {"--listen", "localhost:0", "--admin-listen", "localhost:0"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    process_ = std::make_unique<Process>(arguments, setup);
  }

  /// Until it says that it is ready; false if it ends instead.
  bool ready() {
    eventually([this] { return process_->ended() || said(" ready\n"); });
    return !process_->ended() && said(" ready\n");
  }

  bool said(const std::string& text) const {
    return process_->err().find(text) != std::string::npos;
  }

  std::uint16_t port() const { return port_after("callbacks on http://localhost:"); }
  std::uint16_t admin_port() const { return port_after("admin pages on http://localhost:"); }

  HttpAnswer post(const std::string& ids) const {
    return http_call(port(), "POST", "/callback", "{\"object_ids\":[" + ids + "]}");
  }
  HttpAnswer page(const std::string& target) const { return http_get(admin_port(), target); }

  /// A number out of /status.
  std::uint64_t status(const std::string& name) const {
    const auto body = page("/status").body;
    const auto place = body.find("\"" + name + "\":");
    if (place == std::string::npos) return 0;
    return std::strtoull(body.c_str() + place + name.size() + 3, nullptr, 10);
  }

  Process& process() { return *process_; }

 private:
  std::uint16_t port_after(const std::string& text) const {
    const auto log = process_->err();
    const auto place = log.find(text);
    if (place == std::string::npos) return 0;
    return static_cast<std::uint16_t>(std::atoi(log.c_str() + place + text.size()));
  }

  std::unique_ptr<Process> process_;
};

}  // namespace postoffice::testing
