// The Retry-After header: a number of seconds, or a date.
#pragma once

#include <chrono>
#include <string_view>

namespace postoffice::http {

/// The pause that `value` asks for, seen at `now`; at most a day. Zero if it asks for none, lies in
/// the past or is malformed.
std::chrono::milliseconds parse_retry_after(std::string_view value,
                                            std::chrono::system_clock::time_point now);

}  // namespace postoffice::http
