// One look at a daemon, as its pages tell it. A daemon of another version may lack any of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "commands/top/histogram.hpp"
#include "support/json_value.hpp"

namespace postofficed::top {

/// A part of the daemon, or something that is wrong with one.
struct Part {
  std::string name;
  std::string state;                  ///< well, idle, behind, degraded, down; or another word
  std::optional<double> for_seconds;  ///< how long it has been so
  std::string error;                  ///< the other side's last words
  std::string means;                  ///< what follows from it
  std::string next;                   ///< what to do about it

  bool good() const { return state == "well" || state == "idle"; }
};

using Number = std::optional<double>;

/// Counts that only rise while the process lives.
struct Counters {
  Number callbacks;  ///< answered 202
  Number ids;        ///< in those
  Number refused;    ///< callbacks answered otherwise
  Number fetches;
  Number failures;  ///< of fetches
  Number stored;
  Number deleted;
};

struct Histograms {
  std::optional<Histogram> ingress;
  std::optional<Histogram> flush;
  std::optional<Histogram> source;  ///< every fetch that reached it
  std::optional<Histogram> store;
  std::optional<Histogram> receipt_to_row;
};

struct Sample {
  std::string version;
  std::string state;  ///< of the whole
  Number uptime;
  Counters counters;
  Histograms histograms;

  Number in_flight, fetch_limit, pending, known;
  Number lag;                                          ///< of the watermark, in seconds
  std::vector<std::pair<std::string, double>> oldest;  ///< seconds that the oldest waits, by cause
  Number online, offline, dead_letters;
  Number queue_bytes, queue_limit, disk_free;
  Number connections, connections_max;
  std::vector<Part> parts;  ///< the worst first
};

/// From /status and /healthz.
Sample read_sample(const JsonValue& status, const JsonValue& health);

}  // namespace postofficed::top
