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

/// For a shard whose refused messages go to the exchange `dead`; if that is empty, for the dead
/// queue itself.
Arguments arguments_of(const std::string& dead);

struct Difference {
  std::string name;               ///< of the argument
  std::optional<Argument> there;  ///< what the queue has; none if it lacks the argument
};

/// From the text of a 406: the argument whose value differs at the broker, or which it does not
/// know. Nothing if the text says something else.
std::optional<Difference> difference_in(std::string_view words);

/// Makes the wanted arguments those that exist. False if the queue cannot be used like that:
/// another type, no single active consumer, or another dead letter exchange.
bool adopt(const Difference& difference, Arguments& wanted);

/// What an operator should know about it; may be empty.
std::string note_of(const Difference& difference);

}  // namespace postoffice::rabbitmq
