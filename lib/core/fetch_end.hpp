// How a fetch ended, as counted and as told to people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <system_error>

#include "postoffice/error.hpp"

namespace postoffice::core {

enum class FetchEnd : std::uint8_t { answered, not_found, timeout, unreachable, refused };
constexpr std::size_t fetch_ends = 5;

/// The source is up, and has said so. What other kinds of sources may say is not known.
inline bool is_word_of_source(const std::error_code& error) {
  return error == Error::refused || error == Error::overloaded || error == Error::bad_answer;
}

inline FetchEnd end_of(const std::error_code& error) {
  if (!error) return FetchEnd::answered;
  if (error == Error::not_found) return FetchEnd::not_found;
  if (error == Error::timed_out) return FetchEnd::timeout;
  return is_word_of_source(error) ? FetchEnd::refused : FetchEnd::unreachable;
}

}  // namespace postoffice::core
