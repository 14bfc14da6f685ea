#include "postgres/commits_ahead.hpp"

#include <cassert>
#include <utility>

namespace postoffice::postgres {

void CommitsAhead::ended() {
  assert(under_way_ > 0);
  --under_way_;
}

void CommitsAhead::flush_behind_last(const std::function<void(Request)>& submit) {
  if (!watch_.waiting() || under_way_ > 0 || std::exchange(flushing_, true)) return;
  Request request;
  request.queries = {{Statement::flush_log}};
  request.done = [self = shared_from_this()](const Failure& failure, const std::vector<Result>&) {
    self->log_flushed(failure);
  };
  submit(std::move(request));
}

void CommitsAhead::log_flushed(const Failure& failure) {
  assert(flushing_);
  flushing_ = false;
  if (!failure) return watch_.flushed();
  if (!failure.reconnect) allowed_ = false;  // this user may lack the right
  watch_.fail(failure);
}

}  // namespace postoffice::postgres
