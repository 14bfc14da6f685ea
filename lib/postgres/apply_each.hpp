// One statement for changes of which some may be refused: it makes the others, and names those.
#pragma once

#include "postgres/request.hpp"
#include "postoffice/object_store.hpp"

namespace postoffice::postgres {

/// All of the changes but those held. `unicode`: the database can hold every text.
Query each_query(const Changes& changes, bool unicode);

/// Adds what its result says.
void read_each(const PGresult& result, Applied& applied);

}  // namespace postoffice::postgres
