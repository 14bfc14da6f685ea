#include "postgres/applier.hpp"

#include <cassert>
#include <utility>

#include "postgres/apply_request.hpp"
#include "postgres/parameters.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

/// A transaction of fewer rows always waits for its commit: its rows may be awaited, and there is
/// little to compute meanwhile.
constexpr std::size_t rows_not_awaited = 1'000;

std::size_t rows_of(const Changes& changes) {
  return changes.touches.size() + changes.answers.size() + changes.removals.size();
}

LogPosition position_at(const PGresult& positions, int column) {
  return static_cast<LogPosition>(int8_at(positions, 0, column));
}

}  // namespace

/// One call on its way.
struct Applier::Job {
  std::vector<Statement> statements;  // the statements in the order of their results
  bool tells_position = false;        // the last result is the WAL's position
  bool ahead = false;                 // the commit does not wait for the WAL
  bool each = false;
  ObjectStore::ApplyDone done;
};

std::function<void()> Applier::task(const Changes& changes, ObjectStore::ApplyDone done) {
  auto job = std::make_shared<Job>();
  auto request = std::make_shared<Request>();
  request->queries = apply_queries(changes, unicode_);
  // Only the server knows whether a commit waited: one that wrote nothing does not. So the position
  // is asked after all of them.
  job->tells_position = parts_.commits->allowed();
  job->ahead = job->tells_position && rows_of(changes) >= rows_not_awaited;
  job->each = changes.each;
  job->done = std::move(done);
  if (job->ahead) request->queries.insert(request->queries.begin(), {Statement::commit_soon});
  for (const Query& query : request->queries) job->statements.push_back(query.statement);
  request->tell_position = job->tells_position;
  request->asker = Asker::apply;
  request->by_rows = !changes.each;
  request->done = [self = shared_from_this(), job](const Failure& failure,
                                                   const std::vector<Result>& results) {
    self->finish(*job, failure, results);
  };
  return [self = shared_from_this(), request] {
    self->parts_.commits->begun();
    self->parts_.submit(std::move(*request));
  };
}

void Applier::finish(Job& job, const Failure& failure, const std::vector<Result>& results) {
  CommitsAhead& commits = *parts_.commits;
  commits.ended();
  if (failure) {
    complete(job, failure, {});
  } else {
    assert(results.size() == job.statements.size() + (job.tells_position ? 1 : 0));
    Applied applied = read_applied(job.statements, results);
    if (job.ahead) {
      const auto durable = [self = shared_from_this(), job,
                            applied = std::move(applied)](const Failure& lost) {
        self->complete(job, lost, lost ? Applied{} : applied);
      };
      commits.committed(position_at(*results.back(), 0), durable);
    } else {
      complete(job, {}, std::move(applied));
    }
    if (job.tells_position) commits.flushed(position_at(*results.back(), 1));
  }
  commits.flush_behind_last(parts_.submit_bare);
}

void Applier::complete(const Job& job, const Failure& failure, Applied applied) {
  const bool rejected = !job.each && may_be_about_rows(failure);
  const std::error_code code = rejected ? make_error_code(Error::rejected) : failure.code;
  if (failure) applied.failure = words_of(failure);
  parts_.completions->add([done = job.done, code, applied = std::move(applied)]() mutable {
    done(code, std::move(applied));
  });
}

}  // namespace postoffice::postgres
