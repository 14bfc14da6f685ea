// What a measurement found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace postofficed::bench {

struct Parameters {
  double seconds = 10;
  std::size_t ids_per_callback = 100;
  std::size_t objects = 10'000;         ///< that the callbacks of the first phases are about
  double source_latency_seconds = 0.3;  ///< in those
  std::size_t fetch_concurrency = 128;
  std::size_t ingress_threads = 1;
};

/// Durations, in seconds.
struct Times {
  std::uint64_t count = 0;
  double p50 = 0;
  double p99 = 0;
  double p999 = 0;
  double most = 0;
};

/// Processors in use, 1 being one of them all the time.
struct Usage {
  double daemon = 0;
  double client = 0;   ///< the senders of this program
  double source = 0;   ///< the rest of this program
  double machine = 0;  ///< everything, others included
  std::string thread;  ///< the busiest one of the daemon
  double thread_share = 0;

  double ours() const { return daemon + client + source; }
  double others() const { return machine > ours() ? machine - ours() : 0; }
};

/// So many senders, each of which sends again as soon as it has its answer.
struct Phase {
  std::size_t connections = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;
  double per_second = 0;
  Times times{};
  Usage usage{};
};

/// From the callback to the row.
struct Job {
  double ids_per_second = 0;
  Usage usage{};
  Times one_callback{};  ///< from sending one, with nothing else to do, until its rows are stored
};

struct Figures {
  Parameters parameters{};
  std::size_t processors = 1;
  double load_before = 0;  ///< load average
  std::string file_system;
  std::string objection;  ///< to the file system
  Times flush{};
  std::vector<Phase> phases{};  ///< by rising number of senders
  Job job{};
  double memory_peak_bytes = 0;
};

}  // namespace postofficed::bench
