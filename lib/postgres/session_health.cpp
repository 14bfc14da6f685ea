#include "postgres/session_health.hpp"

#include <utility>

namespace postoffice::postgres {

void SessionHealth::asked(Time now) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(awaited_, true)) return;
  awaited_since_ = now;
}

void SessionHealth::answered(Time now, bool more) {
  const std::lock_guard lock(mutex_);
  reached_ = true;
  awaited_ = more;
  awaited_since_ = now;
  last_answer_ = now;
  reason_.clear();
  waits_for_.clear();
}

void SessionHealth::connecting(Time now) {
  const std::lock_guard lock(mutex_);
  awaited_ = true;
  awaited_since_ = now;
}

void SessionHealth::failed(Time now, std::string reason) {
  const std::lock_guard lock(mutex_);
  awaited_ = false;
  awaited_since_ = now;
  reason_ = std::move(reason);
}

void SessionHealth::refuses(std::string reason) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(reason);
}

void SessionHealth::set_server(std::string server) {
  const std::lock_guard lock(mutex_);
  server_ = std::move(server);
}

void SessionHealth::waits_for(std::string what) {
  const std::lock_guard lock(mutex_);
  waits_for_ = std::move(what);
}

StoreStatus SessionHealth::status(Time now) const {
  const std::lock_guard lock(mutex_);
  StoreStatus status;
  status.reached = reached_;
  status.server = server_;
  status.up = reason_.empty() && !silent(now);
  if (status.up) {
    status.reason = refusal_;
    return status;
  }
  status.down_for = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_answer_);
  status.reason = !reason_.empty()     ? reason_
                  : waits_for_.empty() ? "it does not answer"
                                       : "no connection yet: " + waits_for_;
  return status;
}

}  // namespace postoffice::postgres
