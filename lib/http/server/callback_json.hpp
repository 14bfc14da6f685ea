// Reads the body of a callback: {"object_ids":[1,2,3]}.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "postoffice/types.hpp"

namespace postoffice::http {

enum class CallbackVerdict { good, malformed, too_many };

/// Parses callbacks, one after the other, without allocating for well-formed ones.
///
/// Two readers stand behind it. The exact-shape scanner takes what senders really send, an object
/// with nothing but plain integers in it. It never refuses: on any deviation it steps aside, and
/// the walk by JSON's grammar decides alone, which skips other keys. Both read "-0" as the integer
/// 0, which by the grammar of JSON it is.
class CallbackParser {
 public:
  explicit CallbackParser(std::size_t ids_max) : ids_(ids_max) {}

  CallbackVerdict parse(std::string_view body);

  /// The ids of the last good body, in its order; valid until the next call.
  std::span<const ObjectId> ids() const { return {ids_.data(), count_}; }

  /// What is wrong with the last body that was not good, for its sender.
  const std::string& reason() const { return reason_; }

  /// The two readers by themselves; for their test.
  bool scan_exact_shape(std::string_view body);
  CallbackVerdict read_any_json(std::string_view body);

 private:
  std::vector<ObjectId> ids_;  // as large as allowed, so that writing needs no growth
  std::size_t count_ = 0;
  std::string reason_;
};

}  // namespace postoffice::http
