// Text that fits: cut, wrapped and made harmless for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace postofficed::top {

/// How many characters of UTF-8 that are.
std::size_t length(const std::string& text);

/// The first `width` characters.
std::string cut(const std::string& text, std::size_t width);

/// With spaces behind it, up to `width` characters.
std::string padded(const std::string& text, std::size_t width);

/// Words of others may hold anything; what would steer a terminal becomes '?'.
std::string harmless(const std::string& text);

/// Lines of at most `width` characters, broken between words where that can be.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

}  // namespace postofficed::top
