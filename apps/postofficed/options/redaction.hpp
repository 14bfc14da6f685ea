// Hides passwords and tokens in whatever is shown: pages, log lines, errors, configurations.
#pragma once

#include <string>

namespace postofficed {

/// The same text without its passwords. Takes URLs and libpq's key=value pairs; where the two
/// cannot be told apart it hides too much rather than too little.
std::string redact(const std::string& text);

/// `message` with `text` in it redacted: for what a library says about it.
std::string redact_in(std::string message, const std::string& text);

/// What stands in the place of a secret.
inline const char* const hidden = "***";

}  // namespace postofficed
