// The answer that nearly all are: one HTTP/1.1 200 with its length, whole in one piece.
#pragma once

#include <string_view>

#include "http/client/response_reader.hpp"

namespace postoffice::http {

/// Reads `bytes` if they are exactly one such response, after which the connection may be used
/// again. False for everything else, be it unusual, incomplete or wrong: then a ResponseReader
/// decides. What this takes, a ResponseReader takes with the same result.
bool read_plain_answer(std::string_view bytes, const ResponseLimits& limits, ObjectId asked,
                       ReadAnswer& result);

}  // namespace postoffice::http
