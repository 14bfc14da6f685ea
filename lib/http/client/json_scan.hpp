// Reads JSON by RFC 8259's grammar alone: what nobody asked for is skipped without being
// understood.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace postoffice::http {

/// Walks through one text. Values that are skipped may be whatever the grammar allows: a number of
/// any size, any \u escape (half a surrogate pair, too), any nesting up to `depth_max`. Strings
/// must be UTF-8. Nothing is allocated and nothing recurs.
///
/// Each function reads one thing and the white space behind it; false: it is not there, and where
/// the scan stands then does not matter.
class JsonScan {
 public:
  /// Levels within one value that is skipped.
  static constexpr std::size_t depth_max = 1024;

  /// What a key is compared with is short; a longer one is none of ours.
  class Key {
   public:
    void add(unsigned unit) {
      if (size_ == text_.size() || unit >= 0x80) too_long_ = true;
      if (!too_long_) text_[size_++] = static_cast<char>(unit);
    }
    bool operator==(std::string_view other) const {
      return !too_long_ && std::string_view(text_.data(), size_) == other;
    }

   private:
    std::array<char, 8> text_{};
    std::size_t size_ = 0;
    bool too_long_ = false;
  };

  explicit JsonScan(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return position_ == text_.size(); }
  bool next_is(char c) const { return !at_end() && text_[position_] == c; }

  bool take(char c);
  bool take_word(std::string_view word);
  bool take_string(Key* key = nullptr);
  /// `token` is the number as it is written.
  bool take_number(std::string_view& token);
  bool skip_value();

  /// skip_value() failed because of `depth_max`.
  bool too_deep() const { return too_deep_; }

 private:
  void skip_space();
  std::size_t skip_digits();
  bool take_escape(Key* key);
  bool take_utf8();
  bool skip_number();
  bool skip_scalar();
  bool take_key_of_skipped();

  std::string_view text_;
  std::size_t position_ = 0;
  bool too_deep_ = false;
};

}  // namespace postoffice::http
