// Why an answer of the source is refused: a fixed set, so that each reason can be counted.
#pragma once

#include <array>
#include <cstddef>

#include "postoffice/object_source.hpp"

namespace postoffice::http {

enum class Refusal : unsigned char {
  none,
  framing,     // it is not HTTP as this client accepts it
  cut_short,   // the connection ended inside
  size,        // larger than its limit
  json,        // the body is not JSON, or not an object
  depth,       // nested too deeply
  keys,        // no id or online, or one of them twice
  types,       // an id that is not an int64, an online that is neither true nor false
  another_id,  // it is about another object
  status_2xx,  // a success that is neither 200 nor 203
  status_3xx,
  status_4xx,  // but 404 and 410, which are answers, and 429
  status_429,
  status_5xx,  // but 503
  status_503,
};

inline constexpr std::size_t refusals = 15;

/// The value of the metric's label.
inline const char* label_of(Refusal refusal) {
  constexpr std::array<const char*, refusals> labels{
      "none",       "framing",    "cut_short",  "size",       "json",
      "depth",      "keys",       "types",      "another_id", "status_2xx",
      "status_3xx", "status_4xx", "status_429", "status_5xx", "status_503"};
  return labels[static_cast<std::size_t>(refusal)];
}

/// What a response means for its fetch, and why if it is refused.
struct ReadAnswer : FetchResult {
  Refusal refusal = Refusal::none;
};

}  // namespace postoffice::http
