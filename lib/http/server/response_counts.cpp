#include "http/server/response_counts.hpp"

#include "postoffice/error.hpp"

namespace postoffice::http {

Reply reply_of_status(int status) {
  switch (status) {
    case 408: return Reply::too_late;
    case 413: return Reply::body_too_large;
    case 414: return Reply::line_too_long;
    case 417: return Reply::expectation;
    case 431: return Reply::head_too_large;
    case 501: return Reply::unknown_method;
    case 503: return Reply::stopping;
  }
  return Reply::not_http;
}

Reply reply_of_error(std::error_code error) {
  if (error == Error::storage_full) return Reply::queue_full;
  if (error == Error::storage_error) return Reply::storage_error;
  if (error == Error::not_durable) return Reply::not_durable;
  if (error == Error::unavailable) return Reply::unavailable;
  if (error == Error::fenced) return Reply::fenced;
  return error == Error::stopped ? Reply::stopping : Reply::other;
}

}  // namespace postoffice::http
