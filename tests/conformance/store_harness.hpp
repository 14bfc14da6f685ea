// The calls of a store, for the stop contract.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "conformance/stop_contract.hpp"
#include "postoffice/object_reader.hpp"

namespace postoffice::conformance {

/// A harness for stop_contract: derived classes make the store.
template <typename Store>
class StoreHarness {
 public:
  std::vector<Call> calls() {
    return {
        [this](const Done& done) {
          Changes changes;
          changes.answers = {{1, true, Timestamp(Duration(1)), Timestamp(Duration(1))}};
          store->apply(changes, [done](std::error_code error, const Applied&) { done(error); });
        },
        [this](const Done& done) {
          store->expire({.ids = {1}},
                        [done](std::error_code error, const Expired&) { done(error); });
        },
        [this](const Done& done) {
          store->find({}, [done](std::error_code error, const auto&) { done(error); });
        },
        [this](const Done& done) {
          store->find_dead_letters({}, [done](std::error_code error, const auto&) { done(error); });
        },
    };
  }
  void end() { owner_.reset(); }

 protected:
  void hold(std::unique_ptr<Store> made) {
    owner_ = std::move(made);
    store = owner_.get();
  }

  Store* store = nullptr;  // also while it is destroyed

 private:
  std::unique_ptr<Store> owner_;
};

}  // namespace postoffice::conformance
