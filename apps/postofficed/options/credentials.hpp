// Who we are to the database and the broker: may change while we run.
#pragma once

#include <mutex>
#include <string>
#include <utility>

namespace postofficed {

/// How to connect now. Any thread.
class Credentials {
 public:
  Credentials(std::string store, std::string broker)
      : store_(std::move(store)), broker_(std::move(broker)) {}

  /// A conninfo, as StoreLocation::target.
  std::string store() const { return copy(store_); }
  /// As QueueLocation::url.
  std::string broker() const { return copy(broker_); }

  void set_store(std::string conninfo) { set(store_, std::move(conninfo)); }
  void set_broker(std::string url) { set(broker_, std::move(url)); }

 private:
  std::string copy(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    return text;
  }
  void set(std::string& place, std::string text) {
    const std::lock_guard lock(mutex_);
    place = std::move(text);
  }

  mutable std::mutex mutex_;
  std::string store_;
  std::string broker_;
};

}  // namespace postofficed
