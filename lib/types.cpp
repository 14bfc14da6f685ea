#include "postoffice/types.hpp"

#include <charconv>

#include "codec/receipt_text.hpp"

namespace postoffice {

std::string to_string(const Receipt& receipt) {
  return std::string(codec::ReceiptText(receipt).view());
}

std::optional<Receipt> parse_receipt(const std::string& text) {
  const auto dash = text.find('-');
  if (dash != 16) return std::nullopt;
  const char* begin = text.data();
  const char* end = begin + text.size();
  Receipt parsed;
  const auto queue = std::from_chars(begin, begin + dash, parsed.queue, 16);
  const auto sequence = std::from_chars(begin + dash + 1, end, parsed.sequence, 10);
  if (queue.ec != std::errc{} || queue.ptr != begin + dash) return std::nullopt;
  if (sequence.ec != std::errc{} || sequence.ptr != end) return std::nullopt;
  return parsed;
}

}  // namespace postoffice
