// What a queue is declared with, and what the broker says when it has other arguments already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postoffice::rabbitmq {

struct Argument {
  std::string name;
  std::variant<bool, std::int64_t, std::string> value;

  friend bool operator==(const Argument&, const Argument&) = default;
};

using Arguments = std::vector<Argument>;

/// Of a shard whose refused messages go to the exchange `dead`; without one: of the queue for dead
/// letters.
Arguments arguments_of(const std::string& dead);

struct Difference {
  std::string name;               ///< of the argument
  std::optional<Argument> there;  ///< what the queue has; nothing: not this argument
};

/// Out of the words of a 406: one argument, that the queue has otherwise or the broker does not
/// know. Nothing if they say something else.
std::optional<Difference> difference_in(std::string_view words);

/// Takes what is there for what is wanted. False if the queue could not work so: another type, no
/// single active consumer, dead letters that go elsewhere.
bool adopt(const Difference& difference, Arguments& wanted);

/// What somebody who runs the broker should know of it; empty: nothing.
std::string note_of(const Difference& difference);

}  // namespace postoffice::rabbitmq
