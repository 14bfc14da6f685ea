#include "http/server/request_input.hpp"

#include <algorithm>

namespace postoffice::http {

bool RequestInput::keep(std::string_view bytes) {
  auto& total = totals_.buffered_bytes;
  if (total.load(std::memory_order_relaxed) + bytes.size() > limits_.buffered_bytes_max) {
    return false;
  }
  total.fetch_add(bytes.size(), std::memory_order_relaxed);
  kept_.append(bytes);
  return true;
}

void RequestInput::drop_kept(std::size_t count) {
  count = std::min(count, kept_.size());
  totals_.buffered_bytes.fetch_sub(count, std::memory_order_relaxed);
  if (count < kept_.size()) {
    kept_.erase(0, count);
  } else {
    kept_ = std::string();
  }
}

std::size_t RequestInput::empty_lines(std::string_view bytes) {
  std::size_t size = 0;
  while (bytes.substr(size).starts_with("\r\n") && empty_lines_ < empty_lines_max) {
    size += 2;
    ++empty_lines_;
  }
  return size;
}

void RequestInput::next() {
  reader_.next();
  empty_lines_ = 0;
}

}  // namespace postoffice::http
