// What the world outside the process will do, and when.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "postoffice/types.hpp"

namespace postoffice::simulation {

/// Events by time. They belong to the process that asked for them: clear() when it dies.
class Agenda {
 public:
  void at(Timestamp when, std::function<void()> event) { events_.emplace(when, std::move(event)); }

  Timestamp next() const { return events_.empty() ? Timestamp::max() : events_.begin()->first; }

  void run_next() {
    auto event = events_.extract(events_.begin());
    event.mapped()();
  }

  void clear() { events_.clear(); }

 private:
  std::multimap<Timestamp, std::function<void()>> events_;
};

}  // namespace postoffice::simulation
