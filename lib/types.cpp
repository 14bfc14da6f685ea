#include "postoffice/types.hpp"

#include <charconv>
#include <cstddef>
#include <string_view>

namespace postoffice {

std::string to_string(const Receipt& receipt) {
  // By hand, for it is made once a callback, and snprintf costs as much as the rest of a response.
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::size_t queue_size = 16;
  char text[queue_size + 1 + 20];
  std::uint64_t queue = receipt.queue;
  for (std::size_t i = queue_size; i-- > 0; queue >>= 4) text[i] = digits[queue & 0xf];
  text[queue_size] = '-';
  const auto end = std::to_chars(text + queue_size + 1, text + sizeof text, receipt.sequence).ptr;
  return {text, end};
}

bool parse_receipt(const std::string& text, Receipt& receipt) {
  const auto dash = text.find('-');
  if (dash != 16) return false;
  const char* begin = text.data();
  const char* end = begin + text.size();
  Receipt parsed;
  const auto queue = std::from_chars(begin, begin + dash, parsed.queue, 16);
  const auto sequence = std::from_chars(begin + dash + 1, end, parsed.sequence, 10);
  if (queue.ec != std::errc{} || queue.ptr != begin + dash) return false;
  if (sequence.ec != std::errc{} || sequence.ptr != end) return false;
  receipt = parsed;
  return true;
}

}  // namespace postoffice
