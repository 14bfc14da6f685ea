// The tester's command line.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace tester {

struct Options {
  std::string target = "http://localhost:9090/callback";
  std::string listen = "localhost:9010";
  bool no_sender = false;
  bool no_source = false;

  // The sender.
  std::chrono::microseconds interval{5'000'000};
  std::chrono::microseconds timeout{1'000'000};
  int ids_max = 199;
  std::int64_t id_range = 100;
  std::uint64_t count = 0;                // 0: no limit
  std::chrono::microseconds duration{0};  // 0: no limit
  std::chrono::microseconds linger{0};
  int connections = 256;
  bool fail_on_refused = false;

  // The source.
  std::chrono::microseconds latency_min{300'000};
  std::chrono::microseconds latency_spread{4'000'000};
  double fail_percent = 0;
  double hang_percent = 0;
  double not_found_percent = 0;
  std::size_t capacity = 0;                      // fetches at a time; 0: no limit
  std::chrono::microseconds capacity_change{0};  // 0: constant

  std::uint64_t seed = 0;
  std::string record;

  /// Too many callbacks to print each one.
  bool fast() const { return interval < std::chrono::milliseconds(200); }
};

/// Reads the command line. True if the tester should run; otherwise messages were printed, and
/// `exit_code` is set.
bool parse_options(int argc, char** argv, Options& options, int& exit_code);

}  // namespace tester
