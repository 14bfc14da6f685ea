#include "http/client/answer_of_response.hpp"

#include <string>

#include "http/client/object_answer.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {
namespace {

Refusal refusal_of(int status) {
  if (status == 429) return Refusal::status_429;
  if (status == 503) return Refusal::status_503;
  switch (status / 100) {
    case 2: return Refusal::status_2xx;
    case 3: return Refusal::status_3xx;
    case 4: return Refusal::status_4xx;
    case 5: return Refusal::status_5xx;
    default: return Refusal::framing;  // no such status exists
  }
}

}  // namespace

ReadAnswer answer_of_response(const ResponseReader& response, ObjectId asked) {
  if (ResponseReader::has_answer(response.status())) {
    return parse_object_answer(response.body(), asked);
  }
  ReadAnswer result;
  result.reason = "HTTP " + std::to_string(response.status());
  switch (response.status()) {
    case 404:
    case 410: result.error = Error::not_found; return result;
    case 429:
    case 503: result.error = Error::overloaded; break;
    default: result.error = Error::refused; break;
  }
  result.refusal = refusal_of(response.status());
  result.retry_after = response.retry_after();
  return result;
}

}  // namespace postoffice::http
