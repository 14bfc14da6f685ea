// A cache of parsed request heads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace postoffice::http {

/// Senders repeat themselves: the head of a request is mostly identical to one that was parsed and
/// found valid a moment ago. Then its meaning is known. The connections of a loop share the cache,
/// so that an idle connection keeps nothing.
class RecentHeads {
 public:
  static constexpr std::size_t text_max = 1024;

  struct Head {
    std::string text;  ///< up to and with the empty line
    std::size_t method_size = 0;
    std::size_t target_size = 0;
    std::size_t body_size = 0;
    bool keep_alive = false;
    bool version_is_1_0 = false;
  };

  /// The head with which `bytes` begin, or null. Valid until the next put().
  const Head* find(std::string_view bytes) {
    for (std::size_t looked_at = 0; looked_at < heads_.size(); ++looked_at) {
      const Head& head = heads_[latest_];
      if (!head.text.empty() && bytes.starts_with(head.text)) return &head;
      latest_ = (latest_ + 1) % heads_.size();
    }
    return nullptr;
  }

  /// Replaces the oldest head, and reuses its memory.
  void put(std::string_view text, const Head& meaning) {
    Head& head = heads_[next_];
    next_ = (next_ + 1) % heads_.size();
    std::string kept = std::move(head.text);
    head = meaning;
    head.text = std::move(kept.assign(text));
  }

 private:
  std::array<Head, 8> heads_;
  std::size_t latest_ = 0;  // the one found last: the next request often has the same head
  std::size_t next_ = 0;
};

}  // namespace postoffice::http
