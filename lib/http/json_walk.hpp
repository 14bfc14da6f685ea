// A JSON parser that checks the grammar only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postoffice::http {

/// Walks through a text and reports its elements, by the grammar of RFC 8259 alone: numbers of any
/// size, any \u escape (JavaScript writes lone surrogates that way), strings of valid UTF-8.
/// Libraries convert values as they read, and refuse JSON whose values do not fit. This neither
/// recurses nor allocates.
///
/// `Events` has number(text), string(text) and key(text), with the text as it is in the input,
/// without its quotes; literal(text), which is true, false or null; begin_object(), end_object(),
/// begin_array() and end_array(). Each returns whether to continue.
template <typename Events>
class JsonWalk {
 public:
  static constexpr std::size_t depth_max = 1'024;  ///< levels, the outermost included

  enum class End { good, empty, malformed, too_deep, something_behind, stopped };

  JsonWalk(std::string_view text, Events& events)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), events_(events) {}

  // Invariant between two steps: everything before `at_` is a valid beginning of JSON, `depth_`
  // containers are open, and `fresh_` says that the innermost one is still empty.
  End walk() {
    skip_space();
    if (at_ == end_) return End::empty;
    if (!value()) return problem_;
    while (depth_ > 0) {
      skip_space();
      if (next_is(in_object() ? '}' : ']')) {
        if (!leave()) return End::stopped;
        continue;
      }
      if (!fresh_) {
        if (!next_is(',')) return End::malformed;
        ++at_;
        skip_space();
      }
      fresh_ = false;
      if ((in_object() && !name()) || !value()) return problem_;
    }
    skip_space();
    return at_ == end_ ? End::good : End::something_behind;
  }

  /// Where it ended.
  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }

 private:
  bool next_is(char c) const { return at_ != end_ && *at_ == c; }
  bool next_is_digit() const { return at_ != end_ && *at_ >= '0' && *at_ <= '9'; }
  bool in_object() const { return (objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0; }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool fail(End problem = End::malformed) {
    problem_ = problem;
    return false;
  }
  bool told(bool go_on) { return go_on || fail(End::stopped); }

  std::string_view since(const char* start) const {
    return {start, static_cast<std::size_t>(at_ - start)};
  }

  bool enter(bool object) {
    if (depth_ == depth_max) return fail(End::too_deep);
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    auto& word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
    ++at_;
    fresh_ = true;
    return told(object ? events_.begin_object() : events_.begin_array());
  }

  bool leave() {
    const bool object = in_object();
    --depth_;
    ++at_;
    fresh_ = false;
    return object ? events_.end_object() : events_.end_array();
  }

  bool value() {
    if (at_ == end_) return fail();
    switch (*at_) {
      case '{': return enter(true);
      case '[': return enter(false);
      case '"': {
        const char* const start = at_ + 1;
        return string() && told(events_.string(between_quotes(start)));
      }
      case 't': return literal("true");
      case 'f': return literal("false");
      case 'n': return literal("null");
      default: return number();
    }
  }

  std::string_view between_quotes(const char* start) const {
    return {start, static_cast<std::size_t>(at_ - start) - 1};
  }

  bool name() {
    if (!next_is('"')) return fail();
    const char* const start = at_ + 1;
    if (!string() || !told(events_.key(between_quotes(start)))) return false;
    skip_space();
    if (!next_is(':')) return fail();
    ++at_;
    skip_space();
    return true;
  }

  bool literal(std::string_view word) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
      return fail();
    }
    at_ += word.size();
    return told(events_.literal(word));
  }

  bool digits() {
    if (!next_is_digit()) return fail();
    while (next_is_digit()) ++at_;
    return true;
  }

  bool number() {
    const char* const start = at_;
    if (next_is('-')) ++at_;
    if (next_is('0')) {
      ++at_;
    } else if (!digits()) {
      return false;
    }
    if (next_is('.')) {
      ++at_;
      if (!digits()) return false;
    }
    if (next_is('e') || next_is('E')) {
      ++at_;
      if (next_is('+') || next_is('-')) ++at_;
      if (!digits()) return false;
    }
    return told(events_.number(since(start)));
  }

  // From the quote in front to behind the one at its end.
  bool string() {
    ++at_;
    while (at_ != end_) {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return fail();
      if (byte == '\\') {
        if (!escape()) return false;
      } else if (byte < 0x80) {
        ++at_;
      } else if (!character()) {
        return false;
      }
    }
    return fail();
  }

  bool escape() {
    ++at_;
    if (at_ == end_) return fail();
    const char kind = *at_++;
    if (kind != 'u') {
      return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos || fail();
    }
    for (int i = 0; i < 4; ++i, ++at_) {
      const bool hex =
          next_is_digit() ||
          (at_ != end_ && ((*at_ >= 'a' && *at_ <= 'f') || (*at_ >= 'A' && *at_ <= 'F')));
      if (!hex) return fail();
    }
    return true;
  }

  // One character of more than a byte, by table 3-7 of the Unicode standard.
  bool character() {
    const auto byte = [this](std::size_t i) {
      return at_ + i < end_ ? static_cast<unsigned char>(at_[i]) : 0u;
    };
    const unsigned first = byte(0);
    const std::size_t size = first < 0xc2   ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
    if (size == 0) return fail();
    const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) return fail();
    for (std::size_t i = 2; i < size; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xbf) return fail();
    }
    at_ += size;
    return true;
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  Events& events_;
  End problem_ = End::malformed;
  bool fresh_ = false;
  std::size_t depth_ = 0;
  std::array<std::uint64_t, depth_max / 64> objects_{};  // a bit for each level
};

/// Whether a JSON string, given as it is in the input, means `plain`, which is ASCII.
inline bool means(std::string_view text, std::string_view plain) {
  std::size_t at = 0;
  for (const char wanted : plain) {
    if (at >= text.size()) return false;
    unsigned c = static_cast<unsigned char>(text[at++]);
    if (c == '\\') {
      const char kind = text[at++];
      const auto place = std::string_view("bfnrt").find(kind);
      c = place == std::string_view::npos ? static_cast<unsigned char>(kind)
                                          : static_cast<unsigned char>("\b\f\n\r\t"[place]);
      if (kind == 'u') {
        c = 0;
        for (int i = 0; i < 4; ++i) {
          const auto digit = static_cast<unsigned char>(text[at++]);
          c = c * 16 + (digit <= '9' ? digit - '0' : (digit | 0x20u) - 'a' + 10);
        }
      }
    }
    if (c != static_cast<unsigned char>(wanted)) return false;
  }
  return at == text.size();
}

}  // namespace postoffice::http
