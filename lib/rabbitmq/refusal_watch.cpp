#include "rabbitmq/refusal_watch.hpp"

#include <utility>

namespace postoffice::rabbitmq {

bool RefusalWatch::refused(SteadyTime now) {
  if (!std::exchange(refusing_, true)) renew_at_ = now + renew_after_.peek();
  refused_at_ = now;
  return !std::exchange(refused_, true);
}

void RefusalWatch::passed_everywhere(SteadyTime sent) {
  if (sent > refused_at_) refusing_ = false;
}

bool RefusalWatch::over() {
  if (refusing_ || !std::exchange(refused_, false)) return false;
  renew_after_.reset();
  return true;
}

bool RefusalWatch::renew(SteadyTime now) {
  if (!refusing_ || now < renew_at_) return false;
  renew_at_ = SteadyTime::max();
  renew_after_.next();
  return true;
}

}  // namespace postoffice::rabbitmq
