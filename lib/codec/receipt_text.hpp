// A receipt as text, without an allocation: it is written once a callback, and printf would cost as
// much as the rest of a response.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "postoffice/types.hpp"

namespace postoffice::codec {

/// What to_string(Receipt) returns, for as long as the object lives.
class ReceiptText {
 public:
  explicit ReceiptText(const Receipt& receipt) {
    constexpr char digits[] = "0123456789abcdef";
    std::uint64_t queue = receipt.queue;
    for (std::size_t i = queue_size; i-- > 0; queue >>= 4) text_[i] = digits[queue & 0xf];
    text_[queue_size] = '-';
    char* const begin = text_.data();
    const auto end =
        std::to_chars(begin + queue_size + 1, begin + text_.size(), receipt.sequence).ptr;
    size_ = static_cast<std::size_t>(end - begin);
  }

  std::string_view view() const { return {text_.data(), size_}; }

 private:
  static constexpr std::size_t queue_size = 16;
  static constexpr std::size_t sequence_size_max = 20;

  std::array<char, queue_size + 1 + sequence_size_max> text_;
  std::size_t size_ = 0;
};

}  // namespace postoffice::codec
