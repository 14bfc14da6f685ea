#include "postgres/request_pipeline.hpp"

#include <cassert>
#include <utility>

namespace postoffice::postgres {
namespace {

/// Transactions under way on the server; more would only lengthen its queue.
constexpr std::size_t max_sent = 4;

}  // namespace

bool RequestPipeline::can_send() const { return !waiting_.empty() && sent_.size() < max_sent; }

bool RequestPipeline::send_waiting(PGconn* session) {
  while (can_send()) {
    sent_.push_back({.request = std::move(waiting_.front())});
    waiting_.pop_front();
    if (!send(session, sent_.back().request)) return false;
  }
  return true;
}

bool RequestPipeline::send_sync(PGconn* session, Request request) {
  expect(std::move(request));
  return PQpipelineSync(session) == 1;
}

bool RequestPipeline::send(PGconn* session, const Request& request) const {
  if (!send(session, request.queries)) return false;
  return !request.tell_position || send(session, {{Statement::log_position}});
}

// One transaction.
bool RequestPipeline::send(PGconn* session, const std::vector<Query>& queries) const {
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  for (const Query& query : queries) {
    assert(prepares(purpose_, query.statement));
    values.clear();
    lengths.clear();
    for (const auto& parameter : query.parameters) {
      values.push_back(parameter ? parameter->data() : nullptr);
      lengths.push_back(parameter ? static_cast<int>(parameter->size()) : 0);
    }
    formats.assign(values.size(), 1);
    if (!PQsendQueryPrepared(session, text_of(query.statement).name,
                             static_cast<int>(values.size()), values.data(), lengths.data(),
                             formats.data(), 1)) {
      return false;
    }
  }
  return PQpipelineSync(session) == 1;
}

std::optional<RequestPipeline::Finished> RequestPipeline::next_finished(PGconn* session) {
  bool ended = false;  // the last thing read was the end of one statement's results
  while (!sent_.empty() && !PQisBusy(session)) {
    Result result(PQgetResult(session));
    if (!result) {
      if (ended) return {};
      ended = true;
      continue;
    }
    ended = false;
    if (!take_result(std::move(result))) continue;
    Sent first = std::move(sent_.front());
    sent_.pop_front();
    return Finished{std::move(first.request), std::move(first.failure), std::move(first.results)};
  }
  return {};
}

// True if it was the last of its request.
bool RequestPipeline::take_result(Result result) {
  Sent& first = sent_.front();
  switch (PQresultStatus(result.get())) {
    case PGRES_PIPELINE_SYNC:
      return !first.request.tell_position || std::exchange(first.committed, true);
    case PGRES_PIPELINE_ABORTED: break;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK: first.results.push_back(std::move(result)); break;
    default:
      if (!first.failure) first.failure = failure_of(result.get());
  }
  return false;
}

void RequestPipeline::plan_anew() {
  if (purpose_ == Purpose::reading || purpose_ == Purpose::registry) return;
  waiting_.push_front({.queries = {{Statement::discard_plans}},
                       .done = [](const Failure&, std::vector<Result>) {}});
}

void RequestPipeline::fail(const Failure& failure) {
  const auto sent = std::exchange(sent_, {});
  const auto waiting = std::exchange(waiting_, {});
  for (const Sent& one : sent) {
    one.request.done(one.failure ? one.failure : failure, {});
  }
  for (const Request& request : waiting) request.done(failure, {});
}

}  // namespace postoffice::postgres
