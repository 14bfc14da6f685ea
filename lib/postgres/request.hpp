// A request to a connection: some statements in one transaction.
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

/// Who sends it. After a failure, "works again" is logged when a request of the same kind succeeds.
enum class Asker { other, apply, expire };

struct Request {
  std::vector<Query> queries;

  /// Called once: with a failure, or with one result for each query.
  std::function<void(const Failure&, std::vector<Result>)> done;

  /// After the commit asks how far the WAL goes, and how far it is on stable storage: one more
  /// result (Statement::log_position).
  bool tell_position = false;

  Asker asker = Asker::other;

  /// `done` handles a failure that may be about rows, so it is not logged.
  bool by_rows = false;
};

}  // namespace postoffice::postgres
