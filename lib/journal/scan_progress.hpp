// How far the reading of a journal is, for people who wait for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal_scan.hpp"

namespace postoffice::journal {

/// Counts by bytes, since those take the time, and speaks up every some thousand records only.
class ScanProgress {
 public:
  explicit ScanProgress(const std::vector<Segment>& segments) {
    for (const auto& segment : segments) {
      before_[segment.header.number] = bytes_;
      bytes_ += segment.size;
    }
  }

  std::uint64_t bytes() const { return bytes_; }

  /// A record has been read. From 0 to 1, when it is time to tell.
  std::optional<double> pass(const Segment& segment, std::uint64_t offset) {
    if (++records_ % records_between != 0) return std::nullopt;
    const auto before = before_.find(segment.header.number);
    if (before == before_.end() || bytes_ == 0) return std::nullopt;
    return static_cast<double>(before->second + offset) / static_cast<double>(bytes_);
  }

 private:
  static constexpr std::uint64_t records_between = 4'096;

  std::map<std::uint64_t, std::uint64_t> before_;  ///< bytes of the segments before each one
  std::uint64_t bytes_ = 0;
  std::uint64_t records_ = 0;
};

/// Log lines of a start that takes long. Nobody reads them of one that does not: there are none.
class OpeningReport {
 public:
  using Time = std::chrono::steady_clock::time_point;

  OpeningReport(std::uint64_t bytes, Time begun) : bytes_(bytes), next_(begun + patience) {}

  /// What to log now; empty: nothing yet.
  std::string line(double share, Time now) {
    if (now < next_) return {};
    next_ = now + interval;
    return "opening: " + std::to_string(static_cast<int>(share * 100)) + " % of " +
           std::to_string(bytes_ >> 20) + " MiB read";
  }

 private:
  static constexpr std::chrono::seconds patience{2};
  static constexpr std::chrono::seconds interval{3};

  const std::uint64_t bytes_;
  Time next_;
};

}  // namespace postoffice::journal
