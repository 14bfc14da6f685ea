// How single values are written: durations, numbers, sizes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postofficed {

/// "500ms", "30s", "5m", "1h". A whole number with its unit, nothing else; at most ten years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The largest unit that shows it exactly: 90'000 ms is "90s".
std::string show_duration(std::chrono::milliseconds value);

/// A whole decimal number, without sign for unsigned types.
std::optional<std::uint64_t> parse_count(std::string_view text);
std::optional<std::int64_t> parse_id(std::string_view text);

/// "500KiB", "64MiB", "10GiB", or bytes without a unit. At most 2^60.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// What was probably meant by a text that is none: "30" is "30s", "1.5 sec" is "1500ms". Empty: who
/// knows.
std::string nearest_duration(std::string_view text);

/// "10GB" is "10GiB", "512 mb" is "512MiB".
std::string nearest_size(std::string_view text);

/// true, yes, on, 1; false, no, off, 0.
std::optional<bool> parse_bool(std::string_view text);

}  // namespace postofficed
