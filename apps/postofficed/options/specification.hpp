// The table of options: one row is all there is to know about one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "options/options.hpp"

namespace postofficed {

/// Which commands an option matters to. All take all options, so that one configuration serves them
/// all; the help text of a command shows those that it reads.
namespace reader {
constexpr unsigned daemon = 1;     ///< all that run until they are stopped
constexpr unsigned accepting = 2;  ///< … of these, those that take callbacks in: run, serve
constexpr unsigned fetching = 4;   ///< … and those that fetch: run, worker
constexpr unsigned store = 8;      ///< whatever uses the objects' store
constexpr unsigned queue = 16;     ///< … or the queue
constexpr unsigned place = 32;     ///< … or the data directory
}  // namespace reader

struct Specification {
  const char* key;       ///< in the config file; the flag is "--" + key
  const char* fallback;  ///< null when it depends on other options; then the help text ends by it.
                         ///< Empty: it has no value then
  const char* value;     ///< what the help text calls the value; null for a switch
  const char* help;
  bool secret;  ///< it may hold a password: has a …-file form and is never shown whole

  /// Checks `text` and puts it into `options`. Words about a failure read on from the value.
  Failure (*apply)(const std::string& text, Options& options);

  unsigned readers = reader::daemon;  ///< a set of Reader

  /// SIGHUP: a daemon takes over what has changed. False: at its next start.
  bool reloads = false;
};

/// In the order in which they are resolved: a default may depend on the options before it.
std::span<const Specification> specifications();

/// Null: there is no such option.
const Specification* find_specification(const std::string& key);

/// Every key of a config file: the options, and the …-file form of those that may hold a password.
std::vector<std::string> config_keys();

}  // namespace postofficed
