// Text that the database accepts.
#pragma once

#include <string>
#include <string_view>

namespace postoffice::postgres {

/// `text` with '?' for what is not valid UTF-8, for NUL, and without `unicode` for all but ASCII:
/// a message from outside must never make a transaction fail.
std::string storable_text(std::string_view text, bool unicode);

}  // namespace postoffice::postgres
