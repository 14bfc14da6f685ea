// Memory for what is being sent.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace postoffice::http {

/// Only connections with something to send have a buffer; the others of their loop share these.
class SendBuffers {
 public:
  /// `to` is empty, and stays without memory if there is none to lend.
  void lend(std::string& to) {
    if (spares_.empty()) return;
    to.swap(spares_.back());
    spares_.pop_back();
  }

  void take_back(std::string& from) {
    from.clear();
    const bool allocated = from.capacity() > std::string().capacity();
    if (!allocated) return;
    if (spares_.size() < spares_max && from.capacity() <= capacity_max) {
      spares_.push_back(std::move(from));
    }
    from = std::string();
  }

 private:
  static constexpr std::size_t spares_max = 256;
  static constexpr std::size_t capacity_max = 16 * 1024;

  std::vector<std::string> spares_;
};

}  // namespace postoffice::http
