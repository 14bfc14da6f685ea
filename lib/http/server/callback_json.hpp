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
/// It uses two readers. The exact-shape scanner reads the usual body, an object with plain integers
/// only. It never refuses: on any deviation it gives up, and the walk by JSON's grammar, which
/// skips other keys, decides alone. Both read "-0" as the integer 0, as JSON's grammar permits.
class CallbackParser {
 public:
  explicit CallbackParser(std::size_t ids_max) : ids_(ids_max) {}

  CallbackVerdict parse(std::string_view body);

  /// The ids of the last valid body, in its order; valid until the next call.
  std::span<const ObjectId> ids() const { return {ids_.data(), count_}; }

  /// What is wrong with the last invalid body, for its sender.
  const std::string& reason() const { return reason_; }
  /// It is not even JSON.
  bool not_json() const { return not_json_; }

  /// The two readers separately; for their test.
  bool scan_exact_shape(std::string_view body);
  CallbackVerdict read_any_json(std::string_view body);

 private:
  std::vector<ObjectId> ids_;  // sized to the limit, so that writing never grows it
  std::size_t count_ = 0;
  std::string reason_;
  bool not_json_ = false;
};

}  // namespace postoffice::http
