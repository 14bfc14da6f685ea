// What an operator is told when something goes wrong, and when it is over: by /healthz, which is
// what the page shows, by /metrics, and by the log.
#pragma once

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <regex>
#include <string>

#include "integration/postofficed.hpp"

namespace postoffice::testing {

/// What is promised: this soon after it has happened.
constexpr std::chrono::seconds told_within{5};
/// An end is told a little later: a state that may come again at once is held for ten seconds.
constexpr std::chrono::seconds over_within{15};

struct Part {
  std::string name, state, means, next, last_error;

  bool bad() const { return state == "behind" || state == "degraded" || state == "down"; }
};

inline std::vector<Part> parts_of(const Daemon& daemon) {
  rapidjson::Document health;
  health.Parse(daemon.page("/healthz").body.c_str());
  std::vector<Part> parts;
  if (!health.IsObject() || !health.HasMember("parts")) return parts;
  for (const auto& each : health["parts"].GetArray()) {
    const auto text = [&](const char* name) {
      return each.HasMember(name) ? std::string(each[name].GetString()) : std::string();
    };
    parts.push_back({text("part"), text("state"), text("means"), text("next"), text("last_error")});
  }
  return parts;
}

/// The value of a series, named as /metrics writes it; not a number: it is not there.
inline double metric(const Daemon& daemon, const std::string& series) {
  const auto body = daemon.page("/metrics").body;
  const auto place = body.find("\n" + series + " ");
  if (place == std::string::npos) return std::nan("");
  return std::strtod(body.c_str() + place + series.size() + 2, nullptr);
}

inline bool speaks_of(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex(pattern, std::regex::icase));
}

/// The patterns are regular expressions that ignore case.
struct Incident {
  std::string part;   ///< its name
  std::string state;  ///< one of these
  std::string cause;  ///< in what the part says of itself
  std::string next;   ///< in what it says is to be done
  std::string log;    ///< in a line that was not there before
  std::function<bool()> metric;
};

/// Made before something happens, so that no line of the log is missed.
class Told {
 public:
  explicit Told(Daemon& daemon) : daemon_(daemon), seen_(log().size()) {}

  /// Now: what brought it about took its time.
  void happened() { begun_ = Clock::now(); }

  void check(const Incident& incident) {
    const bool health = soon([&] { return shown(incident); });
    const bool counted = soon(incident.metric);
    const bool logged = soon([&] { return speaks_of(log().substr(seen_), incident.log); });
    INFO(daemon_.page("/healthz").body);
    INFO(log().substr(seen_));
    CHECK_MESSAGE(health, "/healthz does not tell it in time");
    CHECK_MESSAGE(counted, "/metrics does not tell it in time");
    CHECK_MESSAGE(logged, "the log does not tell it in time");
    CHECK(counted_as_found());
    for (const Part& part : parts_of(daemon_)) {
      CHECK_MESSAGE((!part.bad() || !part.next.empty()), part.name, " does not say what to do");
    }
  }

  /// And nothing else is wrong, either.
  void check_over(const std::string& line, const std::function<bool()>& metric) {
    const bool health =
        soon([&] { return daemon_.page("/healthz").status == 200 && all_well(); }, over_within);
    const bool counted = soon(metric, over_within);
    const bool logged = soon([&] { return speaks_of(log().substr(seen_), line); }, over_within);
    INFO(daemon_.page("/healthz").body);
    INFO(log().substr(seen_));
    CHECK_MESSAGE(health, "/healthz does not tell in time that it is over");
    CHECK_MESSAGE(counted, "/metrics does not tell in time that it is over");
    CHECK_MESSAGE(logged, "the log does not tell in time that it is over");
  }

 private:
  using Clock = std::chrono::steady_clock;

  template <typename Condition>
  bool soon(Condition condition, std::chrono::seconds limit = told_within) const {
    const auto left = begun_ + limit - Clock::now();
    return eventually(condition, std::chrono::ceil<std::chrono::milliseconds>(left));
  }

  bool shown(const Incident& incident) {
    for (const Part& part : parts_of(daemon_)) {
      const bool its = part.bad() && speaks_of(part.name, "^(" + incident.part + ")$") &&
                       speaks_of(part.state, "^(" + incident.state + ")$");
      if (!its || !speaks_of(part.means + "\n" + part.last_error, incident.cause)) continue;
      if (speaks_of(part.next, incident.next)) return found_ = part, true;
    }
    return false;
  }

  /// Once told, both pages agree.
  bool counted_as_found() const {
    if (found_.name.empty()) return false;
    const auto series =
        "postoffice_part_state{part=\"" + found_.name + "\",state=\"" + found_.state + "\"}";
    return eventually([&] { return metric(daemon_, series) == 1; }, told_within);
  }

  bool all_well() const {
    const auto parts = parts_of(daemon_);
    for (const Part& part : parts) {
      if (part.bad()) return false;
    }
    return !parts.empty();
  }

  std::string log() const { return daemon_.process().err(); }

  Clock::time_point begun_ = Clock::now();
  Daemon& daemon_;
  const std::size_t seen_;
  Part found_;
};

}  // namespace postoffice::testing
