#include "postgres/flush_watch.hpp"

#include <utility>

#include "planted_bug.hpp"

namespace postoffice::postgres {

void FlushWatch::committed(LogPosition end, Finish finish) {
  if (planted(PlantedBug::commit_taken_for_flush)) return finish({});
  commits_.push_back({end, std::move(finish)});
}

void FlushWatch::flushed(LogPosition position) {
  while (!commits_.empty() && commits_.front().end <= position) {
    const Finish finish = std::move(commits_.front().finish);
    commits_.pop_front();
    finish({});
  }
}

void FlushWatch::fail(const Failure& failure) {
  for (const Commit& commit : std::exchange(commits_, {})) commit.finish(failure);
}

}  // namespace postoffice::postgres
