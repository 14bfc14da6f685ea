// The body of an answer: {"id":<id>,"online":true|false}.
#pragma once

#include <string_view>

#include "http/client/refusal.hpp"

namespace postoffice::http {

/// Reads the answer about `asked`. Other keys are skipped; they need only be valid JSON.
/// Error::bad_answer with a reason if this is not such an answer.
ReadAnswer parse_object_answer(std::string_view body, ObjectId asked);

}  // namespace postoffice::http
