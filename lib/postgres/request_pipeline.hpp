// The waiting requests of one connection, and those under way in its session.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "postgres/failure.hpp"
#include "postgres/request.hpp"
#include "postgres/session.hpp"
#include "postgres/statements.hpp"

namespace postoffice::postgres {

/// Sends requests without waiting for the answers to those before, and reads the answers in order.
/// It only fills and empties libpq's buffers; the socket's owner transfers them.
///
/// Threads: the connection's lock.
class RequestPipeline {
 public:
  explicit RequestPipeline(Purpose purpose) : purpose_(purpose) {}

  void add(Request request) { waiting_.push_back(std::move(request)); }
  bool any_waiting() const { return !waiting_.empty(); }
  bool any_sent() const { return !sent_.empty(); }

  /// Some request waits, and there is room for it in the session.
  bool can_send() const;
  /// Sends such requests. False if the session failed.
  bool send_waiting(PGconn* session);
  /// Sends an empty transaction after the others.
  bool send_sync(PGconn* session, Request request);
  /// The same if it was already sent.
  void expect(Request request) { sent_.push_back({.request = std::move(request)}); }

  struct Finished {
    Request request;
    Failure failure;
    std::vector<Result> results;
  };
  /// The next request whose answer has arrived, if one has.
  std::optional<Finished> next_finished(PGconn* session);

  /// Has the server plan the statements anew before it runs the waiting requests: the tables may
  /// have changed since they were planned.
  void plan_anew();

  /// Ends all of them.
  void fail(const Failure& failure);

 private:
  struct Sent {
    Request request;
    std::vector<Result> results{};
    Failure failure{};
    bool committed = false;  // only the WAL position is awaited
  };

  bool send(PGconn* session, const Request& request) const;
  bool send(PGconn* session, const std::vector<Query>& queries) const;
  bool take_result(Result result);

  const Purpose purpose_;
  std::deque<Request> waiting_;
  std::deque<Sent> sent_;
};

}  // namespace postoffice::postgres
