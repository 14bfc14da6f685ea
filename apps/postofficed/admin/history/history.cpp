#include "admin/history/history.hpp"

#include <chrono>

namespace postofficed {
namespace {

auto minute_of(const Sample& sample) { return std::chrono::floor<std::chrono::minutes>(sample.at); }

}  // namespace

void History::add(const Sample& sample) {
  seconds_.push(sample);
  if (minute_ && minute_of(*minute_) != minute_of(sample)) {
    minutes_.push(*minute_);
    minute_.reset();
  }
  if (minute_) {
    fold(*minute_, sample, folds_);
  } else {
    minute_ = sample;
  }
}

}  // namespace postofficed
