// Turns changes into statements, and their results into Applied.
#pragma once

#include <vector>

#include "postgres/request.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// The statements of one apply(), in order. `unicode`: the database can hold every text.
std::vector<Query> apply_queries(const Changes& changes, bool unicode);

/// Reads the results of the statements that apply_queries() gave; ignores those of others.
Applied read_applied(const std::vector<Statement>& statements, const std::vector<Result>& results);

}  // namespace postoffice::postgres
