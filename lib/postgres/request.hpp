// What is asked of a connection: some statements in one transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "postgres/failure.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace postoffice::postgres {

struct Query {
  Statement statement;
  std::vector<std::optional<std::string>> parameters{};  ///< in binary; none is NULL
};

struct Request {
  std::vector<Query> queries;

  /// Called once: with a failure, or with one result for each query.
  std::function<void(const Failure&, std::vector<Result>)> done;

  /// Asks behind the commit how far the log goes, and how far it is on stable storage: one more
  /// result (Statement::log_position).
  bool tell_position = false;
};

}  // namespace postoffice::postgres
