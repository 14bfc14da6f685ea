#include "http/client/answer_of_response.hpp"

#include <string>

#include "http/client/object_answer.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

FetchResult answer_of_response(const ResponseReader& response, ObjectId asked) {
  if (response.status() == 200) return parse_object_answer(response.body(), asked);
  FetchResult result;
  result.reason = "HTTP " + std::to_string(response.status());
  switch (response.status()) {
    case 404:
    case 410: result.error = Error::not_found; return result;
    case 429:
    case 503: result.error = Error::unavailable; break;
    default: result.error = Error::refused; break;
  }
  result.retry_after = response.retry_after();
  return result;
}

}  // namespace postoffice::http
