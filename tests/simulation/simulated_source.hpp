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

  void fetch(ObjectId id, std::chrono::milliseconds timeout, Done done) override {
    const auto began = clock_.now();
    const bool online = chance_.percent(50);
    oracle_.fetch_began(id, began, online);
    FetchResult result = answer(id, online);
    if (result.error == Error::not_found) {
      oracle_.not_found(id, began);
    } else if (result.error || result.id != id) {
      oracle_.fetch_failed(id);
    }
    const auto latency = latency_of(result, timeout);
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
    switch (chance_(6)) {
      case 0: result.error = Error::timed_out; break;
      case 1: result.error = Error::bad_answer; break;
      case 2: result.id += 1 + static_cast<ObjectId>(chance_(3)); break;  // about another object
      case 3: result.error = Error::unavailable; break;
      case 4:
        result.error = Error::unavailable;
        result.retry_after = std::chrono::milliseconds(chance_(3'000));
        break;
      default: result.error = Error::refused;
    }
  }

  Duration latency_of(const FetchResult& result, std::chrono::milliseconds timeout) {
    if (result.error == Error::timed_out) return timeout;
    if (result.error && chance_.percent(30)) return {};
    const auto slow = std::chrono::milliseconds(30 + chance_(430));  // a tenth of the real one's
    return std::min<Duration>(slow, timeout);
  }

  const testing::ManualClock& clock_;
  Agenda& agenda_;
  Chance& chance_;
  const Weather& weather_;
  Oracle& oracle_;
};

}  // namespace postoffice::simulation
