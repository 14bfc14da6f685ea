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

/// Who asks. After a failure "works again" is said when the same has succeeded.
enum class Asker { other, apply, expire };

struct Request {
  std::vector<Query> queries;

  /// Called once: with a failure, or with one result for each query.
  std::function<void(const Failure&, std::vector<Result>)> done;

  /// Asks behind the commit how far the log goes, and how far it is on stable storage: one more
  /// result (Statement::log_position).
  bool tell_position = false;

  Asker asker = Asker::other;

  /// A failure that may be about rows is for `done` to see to, and no news.
  bool by_rows = false;
};

}  // namespace postoffice::postgres
