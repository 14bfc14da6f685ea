// Reuses readers of answers that come in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "http/client/response_reader.hpp"

namespace postoffice::http {

/// Threads: none of its own.
class ReaderPool {
 public:
  explicit ReaderPool(const ResponseLimits& limits) : limits_(limits) {}

  std::unique_ptr<ResponseReader> lend() {
    if (spares_.empty()) return std::make_unique<ResponseReader>(limits_);
    std::unique_ptr<ResponseReader> reader = std::move(spares_.back());
    spares_.pop_back();
    return reader;
  }

  void give_back(std::unique_ptr<ResponseReader> reader) {
    if (spares_.size() >= spares_max) return;
    reader->reset();
    spares_.push_back(std::move(reader));
  }

 private:
  // More than the number of answers that usually come in pieces at one time.
  static constexpr std::size_t spares_max = 64;

  const ResponseLimits limits_;
  std::vector<std::unique_ptr<ResponseReader>> spares_;
};

}  // namespace postoffice::http
