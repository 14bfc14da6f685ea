// Runtime failures are values: std::error_code in one category. Bad options throw
// std::invalid_argument from constructors; bugs assert.
#pragma once

#include <system_error>

namespace postoffice {

enum class Error {
  // A final answer of the source: there is no such object (404, 410).
  not_found = 1,

  // Try again later.
  unavailable,    ///< the other side cannot be reached, or does not work at present
  overloaded,     ///< the other side works, and asked for fewer requests at present (429, 503)
  timed_out,      ///< no answer within the time given
  bad_answer,     ///< malformed, oversized, or about another id
  refused,        ///< an HTTP status that is not an answer and does not ask for a later try
  not_durable,    ///< the callback could not be put on stable storage; it was not accepted
  storage_full,   ///< no space: on the disk, in the store
  storage_error,  ///< reading or writing stable storage failed

  // Trying again will not help.
  stopped,         ///< the part was stopped before it could do this
  locked,          ///< another process owns this data directory
  corrupt,         ///< stored data is damaged
  permission,      ///< no right to do this (file or database)
  authentication,  ///< the database refused the credentials
  schema,          ///< the database or the queue has a version that this program cannot use
  bad_options,     ///< the options name something that cannot work
  fenced,          ///< another process has taken over, or this one was retired; nothing was changed

  // Trying again with Changes::each shows which row it is.
  rejected,  ///< the store works, and refuses some of the changes
};

const std::error_category& error_category() noexcept;

std::error_code make_error_code(Error error) noexcept;

}  // namespace postoffice

template <>
struct std::is_error_code_enum<postoffice::Error> : std::true_type {};
