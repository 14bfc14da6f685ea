#include "http/client/request_text.hpp"

#include <array>
#include <charconv>

#include "postoffice/version.hpp"

namespace postoffice::http {
namespace {

std::string rest_of(const SourceUrl& url, const char* connection) {
  return url.target_suffix + " HTTP/1.1\r\nHost: " + url.host_header +
         "\r\nUser-Agent: postoffice/" + version() +
         "\r\nAccept: application/json\r\nConnection: " + connection + "\r\n\r\n";
}

}  // namespace

RequestText::RequestText(const SourceUrl& url)
    : start_("GET " + url.target_prefix),
      rest_(rest_of(url, "keep-alive")),
      rest_of_last_(rest_of(url, "close")) {}

std::string_view RequestText::ask(ObjectId id, bool last) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), id).ptr;
  text_.assign(start_).append(digits.data(), end).append(last ? rest_of_last_ : rest_);
  return text_;
}

}  // namespace postoffice::http
