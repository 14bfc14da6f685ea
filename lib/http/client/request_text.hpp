// The request for an object.
#pragma once

#include <string>
#include <string_view>

#include "http/client/source_url.hpp"
#include "postoffice/types.hpp"

namespace postoffice::http {

/// Threads: none of its own.
class RequestText {
 public:
  explicit RequestText(const SourceUrl& url);

  /// Valid until the next call. With `last` the source is asked to close the connection afterwards.
  std::string_view ask(ObjectId id, bool last);

 private:
  const std::string start_;
  const std::string rest_;
  const std::string rest_of_last_;
  std::string text_;
};

}  // namespace postoffice::http
