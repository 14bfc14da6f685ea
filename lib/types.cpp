#include "postoffice/types.hpp"

#include <charconv>

#include "codec/receipt_text.hpp"

namespace postoffice {

std::string to_string(const Receipt& receipt) {
  return std::string(codec::ReceiptText(receipt).view());
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
