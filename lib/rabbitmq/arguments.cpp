#include "rabbitmq/arguments.hpp"

#include <algorithm>
#include <charconv>

namespace postoffice::rabbitmq {
namespace {

constexpr std::string_view inequivalent = "inequivalent arg '";
constexpr std::string_view invalid = "invalid arg '";
constexpr std::string_view present = "current is ";

/// The text between two quotes, or nothing.
std::string_view quoted(std::string_view text) {
  const auto begin = text.find('\'');
  const auto end = begin == text.npos ? text.npos : text.find('\'', begin + 1);
  return end == text.npos ? std::string_view{} : text.substr(begin + 1, end - begin - 1);
}

/// "the value 'V' of type 'T'", or "none".
std::optional<Argument> value_in(std::string_view text, const std::string& name) {
  if (text.starts_with("none")) return std::nullopt;
  const auto value = quoted(text);
  const auto type = text.find("of type '");
  if (type != text.npos && quoted(text.substr(type)) == "longstr") {
    return Argument{name, std::string(value)};
  }
  if (value == "true" || value == "false") return Argument{name, value == "true"};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error == std::errc{} && end == value.data() + value.size()) return Argument{name, number};
  return Argument{name, std::string(value)};
}

}  // namespace

Arguments arguments_of(const std::string& dead) {
  Arguments result{{"x-queue-type", std::string("quorum")},
                   {"x-queue-leader-locator", std::string("balanced")}};
  if (dead.empty()) return result;
  result.push_back({"x-single-active-consumer", true});
  result.push_back({"x-dead-letter-exchange", dead});
  // With a length limit that somebody sets, the broker then refuses instead of dropping what it has
  // confirmed.
  result.push_back({"x-overflow", std::string("reject-publish")});
  return result;
}

std::optional<Difference> difference_in(std::string_view words) {
  for (const auto begins : {inequivalent, invalid}) {
    const auto at = words.find(begins);
    if (at == words.npos) continue;
    const std::string name(quoted(words.substr(at)));
    if (!name.starts_with("x-")) return std::nullopt;
    const auto there = words.find(present, at);
    if (begins == invalid || there == words.npos) return Difference{name, std::nullopt};
    return Difference{name, value_in(words.substr(there + present.size()), name)};
  }
  return std::nullopt;
}

bool adopt(const Difference& difference, Arguments& wanted) {
  for (const auto* fixed : {"x-queue-type", "x-single-active-consumer", "x-dead-letter-exchange"}) {
    if (difference.name == fixed) return false;
  }
  const auto place = std::find_if(wanted.begin(), wanted.end(), [&](const Argument& argument) {
    return argument.name == difference.name;
  });
  if (place != wanted.end()) wanted.erase(place);
  if (difference.there) wanted.push_back(*difference.there);
  return true;
}

std::string note_of(const Difference& difference) {
  const auto& name = difference.name;
  if (name == "x-queue-leader-locator")
    return {};  // too late to matter: its leader was placed when it was declared
  if (name == "x-overflow" && !difference.there) {
    return "was declared without x-overflow: a policy with a length limit drops confirmed "
           "callbacks, unless it also says overflow: reject-publish";
  }
  if (!difference.there) return "has no " + name;
  const auto* text = std::get_if<std::string>(&difference.there->value);
  const auto* number = std::get_if<std::int64_t>(&difference.there->value);
  return "is taken as it is, with " + name + " " +
         (text != nullptr     ? *text
          : number != nullptr ? std::to_string(*number)
                              : "set");
}

}  // namespace postoffice::rabbitmq
