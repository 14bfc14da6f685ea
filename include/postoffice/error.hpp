// Runtime failures are values: std::error_code in one category. Bad options throw
// std::invalid_argument from constructors; bugs assert.
#pragma once

#include <system_error>

namespace postoffice {

enum class Error {
  // The source has answered, finally: there is no such object (404, 410).
  not_found = 1,

  // Try again later.
  unavailable,    ///< the other side cannot be reached, or does not work at present
  overloaded,     ///< the other side is there, and said that this is too much for now (429, 503)
  timed_out,      ///< no answer within the time given
  bad_answer,     ///< malformed, oversized, or about another id
  refused,        ///< an HTTP status that is neither an answer nor a promise
  not_durable,    ///< the callback could not be put on stable storage; it was not accepted
  storage_full,   ///< no space: on the disk, in the store
  storage_error,  ///< reading or writing stable storage failed

  // Trying again will not help.
  stopped,         ///< the part was stopped before it could do this
  locked,          ///< another process owns this data directory
  corrupt,         ///< stored data is damaged
  permission,      ///< no right to do this (file or database)
  authentication,  ///< the database refused the credentials
  schema,          ///< the database or the queue is of a version that this one cannot use
  bad_options,     ///< the options name something that cannot work
  fenced,          ///< another took over for this one, or it was retired; nothing was changed

  // Trying again row by row will show which one it is (Changes::each).
  rejected,  ///< the store is there, and refuses some of the changes
};

const std::error_category& error_category() noexcept;

std::error_code make_error_code(Error error) noexcept;

}  // namespace postoffice

template <>
struct std::is_error_code_enum<postoffice::Error> : std::true_type {};
