#include "options/values.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
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

/// "1.5 Sec" → 1.5 and "sec"; nothing if it does not begin with a number.
struct Amount {
  double number;
  std::string unit;
};
std::optional<Amount> parse_amount(std::string_view text) {
  const auto is_part = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  const auto end = std::find_if_not(text.begin(), text.end(), is_part);
  double number = 0;
  const auto* last = text.data() + (end - text.begin());
  const auto result = std::from_chars(text.data(), last, number);
  if (result.ec != std::errc{} || result.ptr != last) return std::nullopt;
  std::string unit;
  for (auto c = end; c != text.end(); ++c) {
    if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
  }
  return Amount{number, unit};
}

template <std::size_t count>
std::string_view unit_meant(
    const std::string& unit,
    const std::array<std::pair<std::string_view, std::string_view>, count>& spellings) {
  for (const auto& [spelling, meant] : spellings) {
    if (unit == spelling) return meant;
  }
  return {};
}

}  // namespace

std::string nearest_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 20> spellings{
      {{"", "s"},        {"s", "s"},   {"sec", "s"},   {"secs", "s"},    {"second", "s"},
       {"seconds", "s"}, {"ms", "ms"}, {"msec", "ms"}, {"millis", "ms"}, {"milliseconds", "ms"},
       {"m", "m"},       {"min", "m"}, {"mins", "m"},  {"minute", "m"},  {"minutes", "m"},
       {"h", "h"},       {"hr", "h"},  {"hrs", "h"},   {"hour", "h"},    {"hours", "h"}}};
  const auto amount = parse_amount(text);
  const auto meant = amount ? unit_meant(amount->unit, spellings) : std::string_view();
  for (const auto& [name, size] : units) {
    if (meant != name || amount->number > 1e9) continue;
    const auto length = std::llround(amount->number * static_cast<double>(size));
    if (length > 0) return show_duration(milliseconds(length));
  }
  return {};
}

std::string nearest_size(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 16> spellings{
      {{"k", "KiB"},
       {"kb", "KiB"},
       {"kib", "KiB"},
       {"ki", "KiB"},
       {"m", "MiB"},
       {"mb", "MiB"},
       {"mib", "MiB"},
       {"mi", "MiB"},
       {"g", "GiB"},
       {"gb", "GiB"},
       {"gib", "GiB"},
       {"gi", "GiB"},
       {"t", "TiB"},
       {"tb", "TiB"},
       {"tib", "TiB"},
       {"ti", "TiB"}}};
  const auto amount = parse_amount(text);
  const auto meant = amount ? unit_meant(amount->unit, spellings) : std::string_view();
  if (meant.empty() || amount->number != std::floor(amount->number) || amount->number > 1e9)
    return {};
  return std::to_string(static_cast<std::uint64_t>(amount->number)) + std::string(meant);
}

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
