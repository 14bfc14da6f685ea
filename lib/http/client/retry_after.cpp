#include "http/client/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace postoffice::http {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds longest = std::chrono::hours(24);

/// All of `text` as a number; -1 if it is not one.
int number(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return -1;
  int value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = result.ptr == text.data() + text.size();
  if (whole && result.ec == std::errc::result_out_of_range) return std::numeric_limits<int>::max();
  return whole && result.ec == std::errc() ? value : -1;
}

unsigned month_number(std::string_view name) {
  static constexpr std::array<std::string_view, 12> names = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? 0 : static_cast<unsigned>(found - names.begin()) + 1;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", the only form that HTTP allows to be sent.
bool parse_date(std::string_view text, std::chrono::system_clock::time_point& date) {
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return false;
  if (text[19] != ':' || text[22] != ':') return false;
  const int day = number(text.substr(5, 2));
  const int year = number(text.substr(12, 4));
  const int hour = number(text.substr(17, 2));
  const int minute = number(text.substr(20, 2));
  const int second = number(text.substr(23, 2));
  if (day < 0 || year < 0 || hour < 0 || minute < 0 || second < 0) return false;
  const std::chrono::year_month_day calendar{std::chrono::year(year),
                                             std::chrono::month(month_number(text.substr(8, 3))),
                                             std::chrono::day(static_cast<unsigned>(day))};
  if (!calendar.ok()) return false;
  date = std::chrono::sys_days(calendar) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
  return true;
}

}  // namespace

milliseconds parse_retry_after(std::string_view value, std::chrono::system_clock::time_point now) {
  if (const int seconds = number(value); seconds >= 0) {
    return std::min<milliseconds>(std::chrono::seconds(seconds), longest);
  }
  std::chrono::system_clock::time_point date;
  if (!parse_date(value, date)) return milliseconds(0);
  // Rounded up, since a date within this second forbids asking again at once.
  return std::clamp(std::chrono::ceil<milliseconds>(date - now), milliseconds(0), longest);
}

}  // namespace postoffice::http
