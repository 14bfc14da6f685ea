// One request to the source, from fetch() to its Done.
#pragma once

#include <chrono>
#include <list>
#include <utility>

#include "net/deadline_wheel.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::http {

class SourceConnection;
struct Fetch;

/// Fetches are moved from list to list by splicing: they neither move in memory nor allocate. Ended
/// ones are reused.
using FetchList = std::list<Fetch>;

struct Fetch : net::Deadline {
  void begin(ObjectId asked, std::chrono::milliseconds allowed, ObjectSource::Done completion) {
    id = asked;
    timeout = allowed;
    expires_at = std::chrono::steady_clock::now() + allowed;
    done = std::move(completion);
    connection = nullptr;
    second_try = false;
  }

  ObjectId id = 0;
  std::chrono::milliseconds timeout{};
  std::chrono::steady_clock::time_point expires_at;
  ObjectSource::Done done;
  FetchResult result;                      // once it has ended
  SourceConnection* connection = nullptr;  // the one that carries it; null while it waits
  bool second_try = false;
  FetchList* home = nullptr;
  FetchList::iterator place{};
};

/// Puts the fetch at `place` before `position` of `target`.
inline Fetch& move_fetch(FetchList& source, FetchList::iterator place, FetchList& target,
                         FetchList::iterator position) {
  target.splice(position, source, place);
  place->home = &target;
  place->place = place;
  return *place;
}

}  // namespace postoffice::http
