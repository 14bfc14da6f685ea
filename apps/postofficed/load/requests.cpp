#include "load/requests.hpp"

#include <charconv>
#include <random>

namespace postofficed::load {

std::string make_request(const std::vector<postoffice::ObjectId>& ids) {
  std::string body = "{\"object_ids\":[";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, ids[i]).ptr;
    if (i > 0) body += ',';
    body.append(digits, end);
  }
  body += "]}";
  return "POST /callback HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

RepeatedRequests::RepeatedRequests(std::size_t requests, std::size_t ids, std::size_t objects) {
  std::mt19937_64 random(1);  // the same load every time
  const std::size_t share = objects / ids;
  for (std::size_t n = 0; n < requests; ++n) {
    // One id of each part of the range, so that all are different.
    std::vector<postoffice::ObjectId> chosen;
    for (std::size_t i = 0; i < ids; ++i) {
      chosen.push_back(static_cast<postoffice::ObjectId>(i * share + random() % share));
    }
    requests_.push_back(make_request(chosen));
  }
}

std::string_view RepeatedRequests::next() { return requests_[next_++ % requests_.size()]; }

std::string_view FreshRequests::next() {
  for (auto& id : ids_) id = next_++;
  made_ += ids_.size();
  text_ = make_request(ids_);
  return text_;
}

}  // namespace postofficed::load
