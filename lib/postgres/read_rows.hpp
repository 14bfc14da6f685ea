// Statements for listings, and the rows that they return.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "postgres/request.hpp"
#include "postoffice/object_reader.hpp"

namespace postoffice::postgres {

/// None if no row can match.
std::optional<Query> find_query(const ObjectQuery& query);
std::optional<Query> find_dead_letters_query(const DeadLetterQuery& query);

std::optional<Query> count_query(const CountQuery& query);

void read_rows(const PGresult& result, std::vector<Object>& rows);
void read_rows(const PGresult& result, std::vector<DeadLetter>& rows);
RowCount read_count(const PGresult& result, const CountQuery& query);

}  // namespace postoffice::postgres
