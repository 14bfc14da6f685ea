#include "rabbitmq/place_in_line.hpp"

#include <charconv>

namespace postoffice::rabbitmq {
namespace {

constexpr std::string_view version = "1";

}  // namespace

PlaceText to_text(const PlaceInLine& place) {
  PlaceText text;
  char* at = text.text_.data();
  char* const end = at + text.text_.size();
  *at++ = version.front();
  for (const auto number :
       {place.number, place.now.first, place.now.last, place.before.first, place.before.last}) {
    *at++ = '/';
    at = std::to_chars(at, end, number, 16).ptr;
  }
  text.size_ = static_cast<std::size_t>(at - text.text_.data());
  return text;
}

std::optional<PlaceInLine> parse_place(std::string_view text) {
  if (!text.starts_with(version)) return {};
  text.remove_prefix(version.size());
  PlaceInLine place;
  for (auto* number : {&place.number, &place.now.first, &place.now.last, &place.before.first,
                       &place.before.last}) {
    if (!text.starts_with('/')) return {};
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + 1, end, *number, 16);
    if (read.ec != std::errc()) return {};
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  }
  const auto sound = [](const ConfirmedRange& range) {
    return range.first >= 1 && range.last >= range.first - 1;
  };
  if (!text.empty() || !sound(place.now) || !sound(place.before)) return {};
  if (place.before.last >= place.now.first || place.now.last > place.number) return {};
  return place;
}

}  // namespace postoffice::rabbitmq
