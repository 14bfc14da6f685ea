// Which dead letters a request is about.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "postoffice/object_reader.hpp"

namespace postofficed {

/// As much as one request looks at; an answer says where the next one goes on.
constexpr std::size_t letters_in_request_max = 10'000;

struct LetterRequest {
  std::optional<std::vector<postoffice::ObjectId>> ids{};
  std::string reason{};                               ///< a part of it
  std::optional<std::chrono::milliseconds> within{};  ///< given up so long ago at most
  std::optional<postoffice::ObjectId> after{};
  std::size_t limit = 0;
  bool all = false;      ///< no filter is meant
  bool dry_run = false;  ///< only count

  /// For the store, at `now`.
  postoffice::DeadLetterQuery query(postoffice::Timestamp now) const;
};

/// Out of "reason=…&since=30s&id=1,2&after=…&limit=…".
Result<LetterRequest> read_letter_query(const std::string& query);

/// Out of {"ids":[1,"2"],"reason":"…","since_seconds":30,"after":…,"limit":…,"all":true,
/// "dry_run":true}. Without any filter "all" must say that none is meant.
Result<LetterRequest> read_letter_body(const std::string& body);

/// The same, as a program writes it.
std::string write_letter_body(const LetterRequest& request);

}  // namespace postofficed
