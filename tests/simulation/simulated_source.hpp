// A slow source with every failure that can reach the seam.
#pragma once

#include <algorithm>
#include <utility>

#include "postoffice/error.hpp"
#include "postoffice/object_source.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "simulation/agenda.hpp"
#include "simulation/oracle.hpp"
#include "simulation/weather.hpp"

namespace postoffice::simulation {

class SimulatedSource final : public ObjectSource {
 public:
  SimulatedSource(const testing::ManualClock& clock, Agenda& agenda, Chance& chance,
                  const Weather& weather, Oracle& oracle)
      : clock_(clock), agenda_(agenda), chance_(chance), weather_(weather), oracle_(oracle) {}

  /// An object the source never has an answer for: the poison id.
  static constexpr ObjectId poison = 13;
  /// What it fails while Weather::source_failing_some.
  static constexpr bool fails(ObjectId id) { return id % 3 == 0; }

  void fetch(ObjectId id, std::chrono::milliseconds timeout, Done done) override {
    const auto began = clock_.now();
    const bool online = chance_.percent(50);
    oracle_.fetch_began(id, began, online);
    FetchResult result = answer(id, online);
    const auto latency = latency_of(result, timeout, began);
    if (result.error == Error::not_found) {
      oracle_.not_found(id, began);
    } else if (result.error || result.id != id) {
      oracle_.fetch_failed(id);
    }
    const auto tell = [this, id, began, done = std::move(done), result] {
      if (!result.error && result.id == id) oracle_.answered(id, began, clock_.now());
      done(result);
    };
    if (latency == Duration{}) return tell();
    agenda_.at(began + latency, tell);
  }

 private:
  FetchResult answer(ObjectId id, bool online) {
    FetchResult result;
    result.id = id;
    result.online = online;
    if (weather_.source_hangs) {
      result.error = Error::timed_out;
    } else if (weather_.source_failing_some && fails(id)) {
      result.error = Error::refused;
    } else if (id == poison && weather_.source_failing > 0) {
      result.error = Error::bad_answer;
    } else if (chance_.percent(weather_.source_failing)) {
      fail(result);
    } else if (chance_.percent(weather_.source_missing)) {
      result.error = Error::not_found;
    }
    return result;
  }

  void fail(FetchResult& result) {
    switch (chance_(7)) {
      case 0: result.error = Error::timed_out; break;
      case 1: result.error = Error::bad_answer; break;
      case 2: result.id += 1 + static_cast<ObjectId>(chance_(3)); break;  // about another object
      case 3: result.error = Error::unavailable; break;
      case 4: result.error = Error::overloaded; break;
      case 5:
        result.error = Error::overloaded;
        result.retry_after = std::chrono::milliseconds(chance_(3'000));
        break;
      default: result.error = Error::refused;
    }
  }

  /// … which may turn it into a time-out.
  Duration latency_of(FetchResult& result, std::chrono::milliseconds timeout, Timestamp began) {
    if (result.error == Error::timed_out) return timeout;
    if (result.error && chance_.percent(30)) return {};
    const auto slow = std::chrono::milliseconds(30 + chance_(430));  // a tenth of the real one's
    if (weather_.source_service == 0 || result.error) return std::min<Duration>(slow, timeout);
    free_at_ = std::max(free_at_, began) + std::chrono::milliseconds(weather_.source_service);
    if (free_at_ - began < timeout) return free_at_ - began;
    result.error = Error::timed_out;
    return timeout;
  }

  Timestamp free_at_{};  // when it has worked off what it was asked
  const testing::ManualClock& clock_;
  Agenda& agenda_;
  Chance& chance_;
  const Weather& weather_;
  Oracle& oracle_;
};

}  // namespace postoffice::simulation
