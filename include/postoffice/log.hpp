// Where the library's messages go.
#pragma once

#include <functional>
#include <string_view>

namespace postoffice {

enum class LogLevel { debug, info, warning, error };

/// Takes one message, without a line end. Called from any thread, rarely (state changes, not
/// requests). Empty: messages are dropped.
using Log = std::function<void(LogLevel level, std::string_view message)>;

}  // namespace postoffice
