// Follows the states of the parts over time: since when, the last errors, and what is logged.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "admin/health/figures.hpp"
#include "postoffice/log.hpp"

namespace postofficed {

/// Looks at figures whenever somebody has some: at least once a second, and when a page is asked
/// for, so that a page never shows an older state than its figures.
///
/// A part that turns worse does so at once. One that turns better does after Finding::holds of what
/// was wrong, so that a figure near its bound does not flicker. Each turn is logged once; of a part
/// that turns often, no more than a line in ten seconds.
///
/// Threads: look() may be called from any.
class HealthWatch {
 public:
  explicit HealthWatch(HealthBounds bounds = {}, postoffice::Log log = {});

  std::vector<PartHealth> look(const HealthFigures& figures);

 private:
  struct Part {
    PartHealth health;
    Finding finding;                     // behind the present state
    postoffice::Timestamp last_seen{};   // when it was found last
    PartState logged = PartState::well;  // what a reader of the log believes
    bool told = false;                   // … from the part itself
    postoffice::Timestamp next_line{};
    postoffice::Timestamp logged_since{};  // since when it has been in trouble
    int turns = 0;                         // for the worse, since the last line
  };
  struct Sample {
    postoffice::Timestamp time;
    std::uint64_t value;
  };

  void follow(const HealthFigures& figures);
  void follow_dead_letters(const HealthFigures& figures);
  PartHealth judge(const char* name, const Findings& findings, const HealthFigures& figures);
  void tell(Part& part, postoffice::Timestamp now);
  void say(postoffice::LogLevel level, const std::string& text) const;

  const HealthBounds bounds_;
  const postoffice::Log log_;
  std::mutex mutex_;
  std::map<std::string, Part> parts_;
  HealthTrends trends_;
  std::deque<Sample> refused_;
  std::deque<Sample> held_;
  std::uint64_t lost_before_ = 0;
  std::uint64_t dead_told_ = 0;
  postoffice::Timestamp next_dead_line_{};
};

}  // namespace postofficed
