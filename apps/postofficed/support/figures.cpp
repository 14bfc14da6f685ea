#include "support/figures.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace postofficed {
namespace {

constexpr double minute = 60;
constexpr double hour = 60 * minute;
constexpr double day = 24 * hour;

std::string printed(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// Three digits that count.
std::string short_number(double value) {
  if (value >= 99.95) return printed("%.0f", value);
  return printed(value >= 9.995 ? "%.1f" : "%.2f", value);
}

std::string two_units(double seconds, double large, const char* large_name, double small,
                      const char* small_name) {
  const double whole = std::floor(seconds / large);
  const double rest = std::floor((seconds - whole * large) / small);
  std::string text = printed("%.0f", whole) + large_name;
  if (rest > 0) text += " " + printed("%.0f", rest) + small_name;
  return text;
}

}  // namespace

std::string show_count(double value) {
  std::string digits = printed("%.0f", value);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t place = digits.size(); place > first + 3;) {
    place -= 3;
    digits.insert(place, ",");
  }
  return digits;
}

std::string show_rate(double per_second) {
  if (per_second <= 0) return "0";
  return per_second < 9.95 ? printed("%.1f", per_second) : show_count(per_second);
}

std::string show_seconds(double seconds) {
  if (seconds <= 0) return "0 s";
  if (seconds < 0.9995) return short_number(seconds * 1e3) + " ms";
  if (seconds < minute) return short_number(seconds) + " s";
  if (seconds < hour) return two_units(seconds, minute, " min", 1, " s");
  if (seconds < day) return two_units(seconds, hour, " h", minute, " min");
  return two_units(seconds, day, " d", hour, " h");
}

std::string show_bytes(double bytes) {
  constexpr std::array units{" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
  std::size_t unit = 0;
  while (bytes >= 1'023.5 && unit + 1 < units.size()) {
    bytes /= 1'024;
    ++unit;
  }
  if (unit == 0) return printed("%.0f", bytes) + units[unit];
  return short_number(bytes) + units[unit];
}

}  // namespace postofficed
