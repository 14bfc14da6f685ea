// What a source says about an object: {"id":1,"online":true}.
#pragma once

#include <string_view>

#include "postoffice/object_source.hpp"

namespace postoffice::http {

/// Reads the body of a 200. Anything but an object with exactly one integer `id`, equal to the one
/// asked for, and exactly one boolean `online` is Error::bad_answer. Further keys are ignored.
FetchResult parse_object_answer(std::string_view body, ObjectId asked);

}  // namespace postoffice::http
