// What a call that can fail returns: an error code for programs and a message for people, in one
// value.
#pragma once

#include <cassert>
#include <concepts>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace postoffice {

/// Why something failed; without a code nothing failed. A function that can fail and has no other
/// result returns a Failure: `if (auto failure = f()) return failure;`.
struct [[nodiscard]] Failure {
  std::error_code code;
  std::string message;  ///< one line for people; empty if the code says everything

  Failure() = default;
  Failure(std::error_code why, std::string words = {}) : code(why), message(std::move(words)) {}
  template <typename Code>
  requires std::is_error_code_enum_v<Code> Failure(Code why, std::string words = {})
      : Failure(make_error_code(why), std::move(words)) {}

  explicit operator bool() const { return static_cast<bool>(code); }

  /// Never empty: the message, or else the code's own text.
  std::string text() const { return message.empty() ? code.message() : message; }
};

/// A T, or why there is none. Access only the one that it holds.
template <typename T>
class [[nodiscard]] Result {
 public:
  template <typename Value = T>
  requires(std::convertible_to<Value, T> && !std::same_as<std::remove_cvref_t<Value>, Result>)
      Result(Value&& value)
      : held_(std::in_place_index<0>, std::forward<Value>(value)) {}

  /// From a Failure, or anything that converts to one.
  template <typename Why>
  requires(std::convertible_to<Why, Failure> && !std::convertible_to<Why, T>) Result(Why&& why)
      : held_(std::in_place_index<1>, std::forward<Why>(why)) {
    assert(error());
  }

  bool has_value() const { return held_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  const T& operator*() const& { return get<0>(held_); }
  T& operator*() & { return get<0>(held_); }
  T&& operator*() && { return std::move(get<0>(held_)); }
  const T* operator->() const { return &**this; }
  T* operator->() { return &**this; }

  const Failure& error() const& { return get<1>(held_); }
  Failure&& error() && { return std::move(get<1>(held_)); }

 private:
  template <std::size_t index, typename Held>
  static auto& get(Held& held) {
    assert(held.index() == index);
    return std::get<index>(held);
  }

  std::variant<T, Failure> held_;
};

}  // namespace postoffice
