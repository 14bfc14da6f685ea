#include "admin/instance_list.hpp"

#include <utility>

namespace postofficed {

// Without a log: the store, which uses the same database, says what is wrong with it.
InstanceList::InstanceList(postoffice::EventLoop& loop, const std::string& conninfo)
    : database_(loop, {.conninfo = conninfo, .migrate = false}) {}

void InstanceList::get(Done done) {
  const auto now = std::chrono::steady_clock::now();
  const bool asking = !waiting_.empty();
  if (!asking && asked_.time_since_epoch().count() != 0 && now - asked_ < fresh_for) {
    return done(error_, list_);
  }
  waiting_.push_back(std::move(done));
  if (asking) return;
  asked_ = now;
  database_.list([this](std::error_code error, postoffice::PostgresInstanceList list) {
    answered(error, std::move(list));
  });
}

void InstanceList::answered(std::error_code error, postoffice::PostgresInstanceList list) {
  error_ = error;
  list_ = std::move(list);
  for (const auto& done : std::exchange(waiting_, {})) done(error_, list_);
}

}  // namespace postofficed
