// The name that was probably meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace postofficed {

/// How many letters must be put in, taken out, replaced, or swapped with their neighbour to make
/// one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that `word` was probably meant to be: a third of its letters may be wrong, or it is the
/// beginning or the last part of the name. Case, '-' and '_' make no difference. Empty: none.
std::string nearest(std::string_view word, std::span<const std::string> names);

/// "; did you mean NAME?", with `before` and `after` around the name; empty if there is no such
/// name.
std::string did_you_mean(std::string_view word, std::span<const std::string> names,
                         const std::string& before = {}, const std::string& after = {});

}  // namespace postofficed
