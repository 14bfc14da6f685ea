// Fast path for the usual answer: one HTTP/1.1 200 with its length, in one piece.
#pragma once

#include <string_view>

#include "http/client/response_reader.hpp"

namespace postoffice::http {

/// Reads `bytes` if they are exactly one such response, after which the connection may be reused.
/// False for everything else, unusual, incomplete or wrong: then a ResponseReader decides. A
/// ResponseReader accepts everything that this does, with the same result.
bool read_plain_answer(std::string_view bytes, const ResponseLimits& limits, ObjectId asked,
                       ReadAnswer& result);

}  // namespace postoffice::http
