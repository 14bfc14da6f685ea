// Listings: their statements, and the rows they give.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "postgres/request.hpp"
#include "postoffice/object_reader.hpp"

namespace postoffice::postgres {

/// None where nothing can be found.
std::optional<Query> find_query(const ObjectQuery& query);
std::optional<Query> find_dead_letters_query(std::optional<ObjectId> after, std::size_t limit);

void read_rows(const PGresult& result, std::vector<Object>& rows);
void read_rows(const PGresult& result, std::vector<DeadLetter>& rows);

}  // namespace postoffice::postgres
