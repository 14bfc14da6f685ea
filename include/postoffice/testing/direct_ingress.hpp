// An ingress without a network: the test is the sender.
#pragma once

#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/ingress.hpp"

namespace postoffice::testing {

/// Passes callbacks directly to the Accept given to start(). Single-threaded.
class DirectIngress final : public Ingress {
 public:
  std::error_code start(Accept accept) override {
    accept_ = std::move(accept);
    return {};
  }

  void stop(StopDone done) override {
    accept_ = nullptr;
    done();
  }

  bool accepting() const { return accept_ != nullptr; }

  /// Sends one callback; `done` as from Queue::append, with Error::stopped if it was not started.
  void send(const std::vector<ObjectId>& ids, Queue::AppendDone done = {}) {
    if (!done) done = [](std::error_code, const Receipt&) {};
    if (!accept_) return done(Error::stopped, {});
    accept_(std::span<const ObjectId>(ids), std::move(done));
  }

 private:
  Accept accept_;
};

}  // namespace postoffice::testing
