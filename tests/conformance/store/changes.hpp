// Changes of one kind.
#pragma once

#include <utility>
#include <vector>

#include "postoffice/object_store.hpp"
#include "support/store_calls.hpp"

namespace postoffice::testing {

inline Changes touching(std::vector<Touch> touches) { return {.touches = std::move(touches)}; }

inline Changes answering(std::vector<Object> answers, Timestamp cutoff = {}) {
  return {.answers = std::move(answers), .cutoff = cutoff};
}

inline Changes removing(std::vector<Object> removals) { return {.removals = std::move(removals)}; }

}  // namespace postoffice::testing
