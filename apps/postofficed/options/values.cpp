#include "options/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace postofficed {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> units{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  constexpr std::int64_t longest = std::int64_t{10} * 366 * 24 * 3'600'000;
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const auto number = parse_number<std::int64_t>(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& [name, size] : units) {
    if (text.substr(digits) != name) continue;
    if (*number > longest / size) return std::nullopt;
    return milliseconds(*number * size);
  }
  return std::nullopt;
}

std::string show_duration(milliseconds value) {
  for (const auto& [name, size] : units) {
    if (value.count() % size != 0 || (value.count() == 0 && name != "s")) continue;
    return std::to_string(value.count() / size) + std::string(name);
  }
  return {};
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  return parse_number<std::uint64_t>(text);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::uint64_t largest = 1ull << 60;
  constexpr std::array<std::pair<std::string_view, unsigned>, 5> sizes{
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}}};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_count(text.substr(0, digits));
  for (const auto& [name, shift] : sizes) {
    if (number && text.substr(digits) == name && *number <= largest >> shift) {
      return *number << shift;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  return parse_number<std::int64_t>(text);
}

std::optional<bool> parse_bool(std::string_view text) {
  for (const auto yes : {"true", "yes", "on", "1"}) {
    if (text == yes) return true;
  }
  for (const auto no : {"false", "no", "off", "0"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

}  // namespace postofficed
