// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace postofficed {

/// "1,234,567".
std::string show_count(double value);

/// Of something that happens so often in a second: "0", "3.4", "1,234".
std::string show_rate(double per_second);

/// "0.42 ms", "420 ms", "4.2 s", "12 min", "3 h 12 min", "5 d 3 h".
std::string show_seconds(double seconds);

/// "512 B", "1.2 MiB", "64 GiB".
std::string show_bytes(double bytes);

}  // namespace postofficed
