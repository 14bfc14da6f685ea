// Percent-encoding of paths and queries.
#pragma once

#include <string>
#include <string_view>

namespace postoffice::http {

/// A '%' that is not followed by two hexadecimal digits stays as it is.
std::string percent_decoded(std::string_view text, bool plus_is_space);

}  // namespace postoffice::http
