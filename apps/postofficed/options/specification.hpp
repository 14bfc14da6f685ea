// The table of options: one row is all there is to know about one.
#pragma once

#include <span>
#include <string>

#include "options/options.hpp"

namespace postofficed {

struct Specification {
  const char* key;       ///< in the config file; the flag is "--" + key
  const char* fallback;  ///< null when it depends on other options; empty: it has no value then
  const char* value;     ///< what the help text calls the value; null for a switch
  const char* help;
  bool secret;  ///< it may hold a password: has a …-file form and is never shown whole

  /// Checks `text` and puts it into `options`. Words about a failure read on from the value.
  Failure (*apply)(const std::string& text, Options& options);
};

/// In the order in which they are resolved: a default may depend on the options before it.
std::span<const Specification> specifications();

/// "fetch-concurrency" → "POSTOFFICE_FETCH_CONCURRENCY".
std::string environment_name(const std::string& key);

}  // namespace postofficed
