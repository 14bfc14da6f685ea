#include "postgres/flush_watch.hpp"

#include <utility>

namespace postoffice::postgres {

void FlushWatch::committed(LogPosition end, Finish finish) {
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
