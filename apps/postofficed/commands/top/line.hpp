// A line of a screen, before anybody knows what terminal it is for.
#pragma once

#include <string>
#include <vector>

namespace postofficed::top {

enum class Colour { plain, dim, bold, good, warning, bad };

/// A piece of a line, all in one colour.
struct Span {
  std::string text;
  Colour colour = Colour::plain;
};

using Line = std::vector<Span>;

/// A line without colours.
std::string plain_text(const Line& line);

/// A line for a terminal that knows colours.
std::string coloured_text(const Line& line);

/// For terminals that are not set to UTF-8: what this program draws, in ASCII.
std::string in_ascii(const std::string& text);

}  // namespace postofficed::top
