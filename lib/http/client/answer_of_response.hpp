// What an HTTP response means for a fetch.
#pragma once

#include "http/client/response_reader.hpp"
#include "postoffice/object_source.hpp"

namespace postoffice::http {

/// `response` must be complete. 200 and 203 (into which a proxy may turn a 200) are an answer about
/// `asked`, 404 and 410 are Error::not_found, every other status is a failure that is tried again.
ReadAnswer answer_of_response(const ResponseReader& response, ObjectId asked);

}  // namespace postoffice::http
