// How the process ends. The numbers are those of sysexits.h; scripts and service managers rely on
// them.
#pragma once

#include <string>
#include <system_error>
#include <utility>

#include "postoffice/result.hpp"

namespace postofficed {

using postoffice::Failure;
using postoffice::Result;

/// What ended a command: the code of a Failure, whose message is one line for people.
enum class ExitCode : int {
  usage = 64,          ///< unknown option or command, missing or superfluous argument
  unavailable = 69,    ///< a needed service does not answer (one-shot commands only); an address
                       ///< to listen on cannot be had at present
  journal = 74,        ///< the data directory or the journal cannot be read or written
  configuration = 78,  ///< a value, wherever it came from, cannot work
};

std::error_code make_error_code(ExitCode code) noexcept;

/// The process's, after `error`; 0 without one. What the library says is unavailable, but for
/// options that can never work.
int exit_status(const std::error_code& error);

/// A value that cannot work.
inline Failure misconfigured(std::string message) {
  return {make_error_code(ExitCode::configuration), std::move(message)};
}

}  // namespace postofficed

template <>
struct std::is_error_code_enum<postofficed::ExitCode> : std::true_type {};
