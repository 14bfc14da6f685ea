// Where a message stands among those of its publisher, so that a consumer sees what is
// missing. Travels in the property message-id: docs/rabbit_format.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace postoffice::rabbitmq {

/// Numbers of one session in one shard: "the broker has confirmed all from `first` to `last`".
struct ConfirmedRange {
  std::uint64_t first = 1;
  std::uint64_t last = 0;  ///< first - 1: none yet

  bool empty() const { return last < first; }
  friend bool operator==(const ConfirmedRange&, const ConfirmedRange&) = default;
};

struct PlaceInLine {
  std::uint64_t number = 0;  ///< of this callback; of a tick: of the last callback before it
  ConfirmedRange now;        ///< known when this was sent: all of them are ahead of it
  ConfirmedRange before;     ///< the newest that ended at a number whose fate is unknown

  friend bool operator==(const PlaceInLine&, const PlaceInLine&) = default;
};

/// As it is sent. There is one for each message, so it does not allocate.
class PlaceText {
 public:
  std::size_t size() const { return size_; }
  operator std::string_view() const { return {text_.data(), size_}; }
  friend bool operator==(const PlaceText& text, std::string_view other) {
    return std::string_view(text) == other;
  }
  friend PlaceText to_text(const PlaceInLine& place);

 private:
  std::array<char, 96> text_;
  std::size_t size_ = 0;
};

PlaceText to_text(const PlaceInLine& place);

/// Nothing if the text is not in this format.
std::optional<PlaceInLine> parse_place(std::string_view text);

}  // namespace postoffice::rabbitmq
