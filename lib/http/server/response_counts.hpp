// Counts the responses of the ingress by what they say.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "base/duration_recorder.hpp"

namespace postoffice::http {

/// What a response says to a sender. The words are the values of a label: this set is their bound.
enum class Reply : std::uint8_t {
  accepted,
  not_http,
  not_json,
  bad_ids,
  no_such_path,
  wrong_method,
  too_late,
  body_too_large,
  too_many_ids,
  line_too_long,
  encoded,
  expectation,
  head_too_large,
  unknown_method,
  flush_overdue,
  queue_full,
  storage_error,
  not_durable,
  unavailable,
  fenced,
  overloaded,
  stopping,
  other,
};

struct ReplyKind {
  int status = 0;
  const char* reason = "";
};

/// In the order of Reply.
inline constexpr std::array reply_kinds = {
    ReplyKind{202, "accepted"},       ReplyKind{400, "not_http"},
    ReplyKind{400, "not_json"},       ReplyKind{400, "bad_ids"},
    ReplyKind{404, "no_such_path"},   ReplyKind{405, "wrong_method"},
    ReplyKind{408, "timeout"},        ReplyKind{413, "too_large"},
    ReplyKind{413, "too_many_ids"},   ReplyKind{414, "line_too_long"},
    ReplyKind{415, "encoded"},        ReplyKind{417, "expectation"},
    ReplyKind{431, "head_too_large"}, ReplyKind{501, "unknown_method"},
    ReplyKind{503, "flush_overdue"},  ReplyKind{503, "queue_full"},
    ReplyKind{503, "storage_error"},  ReplyKind{503, "not_durable"},
    ReplyKind{503, "unavailable"},    ReplyKind{503, "fenced"},
    ReplyKind{503, "overloaded"},     ReplyKind{503, "stopping"},
    ReplyKind{503, "other"},
};
static_assert(reply_kinds.size() == static_cast<std::size_t>(Reply::other) + 1);

constexpr ReplyKind kind_of(Reply reply) { return reply_kinds[static_cast<std::size_t>(reply)]; }

/// What a refusal by the engine says, which knows nothing of callbacks.
Reply reply_of_status(int status);

/// What the queue's failure says.
Reply reply_of_error(std::error_code error);

/// Of one loop, read by other threads.
class ResponseCounts {
 public:
  void add(Reply reply) { counts_[static_cast<std::size_t>(reply)] += 1; }
  std::uint64_t of(Reply reply) const { return counts_[static_cast<std::size_t>(reply)]; }

 private:
  std::array<SharedCount, reply_kinds.size()> counts_;
};

}  // namespace postoffice::http
