// Callbacks as senders write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "postoffice/types.hpp"

namespace postofficed::load {

/// A whole POST /callback with these ids, ready to be sent.
std::string make_request(const std::vector<postoffice::ObjectId>& ids);

/// A supply of them that costs nothing while it is used: made beforehand, and given out in turn.
class RepeatedRequests {
 public:
  /// `ids` different ones in each, of the objects 0 to `objects` - 1.
  RepeatedRequests(std::size_t requests, std::size_t ids, std::size_t objects);

  std::string_view next();

 private:
  std::vector<std::string> requests_;
  std::size_t next_ = 0;
};

/// Each with ids that nobody has sent before.
class FreshRequests {
 public:
  FreshRequests(std::size_t ids, postoffice::ObjectId first) : ids_(ids), next_(first) {}

  /// Valid until the next one.
  std::string_view next();
  std::uint64_t ids_made() const { return made_; }

 private:
  std::vector<postoffice::ObjectId> ids_;
  postoffice::ObjectId next_;
  std::uint64_t made_ = 0;
  std::string text_;
};

}  // namespace postofficed::load
