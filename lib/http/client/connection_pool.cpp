#include "http/client/connection_pool.hpp"

#include <asio/error.hpp>
#include <cassert>
#include <utility>

namespace postoffice::http {

ConnectionPool::ConnectionPool(const HttpObjectSourceOptions& options, const SourceUrl& url,
                               ConnectionOpener::Owner& owner, FetchQueue& fetches,
                               net::AddressBook& addresses, net::Poller& poller,
                               SourceReport& report)
    : options_(options),
      fetches_(fetches),
      report_(report),
      opener_(options, url.host, owner, *this, connections_, fetches, addresses, poller, report),
      keep_alive_(options.keep_alive),
      request_(url),
      answers_({options.header_bytes_max, options.body_bytes_max}) {}

void ConnectionPool::serve() {
  // The name is looked up as long as there are fetches, even if no connection needs opening.
  opener_.look_up_if_due(std::chrono::steady_clock::now());
  while (fetches_.any_waiting() && !connections_.idle().empty()) {
    SourceConnection& connection = connections_.idle().front();
    fetches_.next_waiting(connection.fetch);
    send(connection);
  }
  opener_.open();
}

void ConnectionPool::looked_up(const std::error_code& error,
                               net::AddressBook::Endpoints endpoints) {
  if (opener_.looked_up(error, std::move(endpoints))) leave_other_addresses();
  opener_.open();
}

void ConnectionPool::ready(SourceConnection& connection) {
  if (connection.closed()) return;
  if (!connections_.is_connecting(connection)) return readable(connection);
  if (!opener_.connected(connection)) return;
  if (fetches_.wanting() == 0) return make_idle(connection);
  fetches_.next_wanting(connection.fetch);
  send(connection);
}

// --- Carrying --------------------------------------------------------------------------------

/// Sends the request of the fetch that `connection` carries.
void ConnectionPool::send(SourceConnection& connection) {
  assert(connection.fetch.size() == 1);
  Fetch& fetch = connection.fetch.front();
  fetch.connection = &connection;
  connections_.make_busy(connection);
  connection.since = std::chrono::steady_clock::now();
  if (!connection.used) {
    connection.asked = true;
    keep_alive_.sent_on_new(connection.since);
  }
  const bool last = !keep_alive_.keeps();
  if (const auto error = connection.send(request_.ask(fetch.id, last))) {
    broken(connection, "send: " + error.message());
  }
}

void ConnectionPool::make_idle(SourceConnection& connection) {
  connection.since = std::chrono::steady_clock::now();
  connections_.make_idle(connection);
}

void ConnectionPool::readable(SourceConnection& connection) {
  AnswerReader::Result result = answers_.read(connection);
  switch (result.state) {
    case AnswerReader::State::more: return;
    case AnswerReader::State::unasked: return drop(connection);
    case AnswerReader::State::answered: return answered(connection, std::move(result));
    case AnswerReader::State::broken: return broken(connection, result.answer.reason);
    case AnswerReader::State::refused: break;
  }
  Fetch& fetch = connection.fetch.front();
  report_.refused(result.answer.refusal, result.answer.reason, fetch.id);
  end(fetch, std::move(result.answer));
  drop(connection);
}

void ConnectionPool::answered(SourceConnection& connection, AnswerReader::Result result) {
  const Time now = std::chrono::steady_clock::now();
  note_answer(connection, result.answer, now);
  end(connection.fetch.front(), std::move(result.answer));
  if (!result.reusable || connection.leaving || !keep_alive_.keeps() ||
      keep_alive_.take_from_trial()) {
    return drop(connection);
  }
  if (!fetches_.any_waiting()) return make_idle(connection);
  fetches_.next_waiting(connection.fetch);
  send(connection);
}

/// Informs everything that learns from answers.
void ConnectionPool::note_answer(SourceConnection& connection, const ReadAnswer& answer, Time now) {
  const Fetch& fetch = connection.fetch.front();
  coalescer_.answered(now - (fetch.expires_at - fetch.timeout));
  opener_.heard(now);
  if (answer.refusal == Refusal::none) {
    report_.taken();
  } else {
    report_.refused(answer.refusal, answer.reason, fetch.id);
  }
  if (std::exchange(connection.used, true)) {
    keep_alive_.answered_on_kept(connection.since, now);
    return;
  }
  keep_alive_.answered_on_new(connection.since, now);
  opener_.heard_on_new(now);
}

/// The connection failed under its fetch.
void ConnectionPool::broken(SourceConnection& connection, const std::string& reason) {
  Fetch& fetch = connection.fetch.front();
  // The source may close an idle connection at any time, also while the request is on its way.
  // That is not an error, and a GET may be repeated: once, on a new connection.
  if (connection.used && !connection.reader && !fetch.second_try) {
    keep_alive_.stale(connection.since, std::chrono::steady_clock::now());
    fetches_.retry(fetch);
  } else {
    fail(fetch, Error::unavailable, reason);
  }
  drop(connection);
}

/// One that is busy or idle.
void ConnectionPool::drop(SourceConnection& connection) {
  assert(!connections_.is_connecting(connection));
  if (connection.asked && !connection.used) {
    keep_alive_.gone_on_new();
  } else {
    keep_alive_.freed(std::chrono::steady_clock::now());
  }
  connections_.drop(connection);
}

void ConnectionPool::expire(Fetch& fetch) {
  // An answer that comes too late must not be taken for the answer to the next request.
  SourceConnection* const connection = fetch.connection;
  const std::string span = std::to_string(fetch.timeout.count()) + " ms";
  fail(fetch, Error::timed_out,
       (connection ? "no answer within " : "no connection within ") + span);
  if (connection) drop(*connection);
}

void ConnectionPool::end(Fetch& fetch, FetchResult result) {
  opener_.note_result(result.error);
  fetches_.end(fetch, std::move(result));
}

void ConnectionPool::fail(Fetch& fetch, Error error, std::string reason) {
  FetchResult result;
  result.error = error;
  result.reason = std::move(reason);
  end(fetch, std::move(result));
}

// --- Giving up -------------------------------------------------------------------------------

void ConnectionPool::tend(Time now) {
  opener_.tend(now);
  SourceConnectionList& idle = connections_.idle();
  while (!idle.empty() && now - idle.back().since >= options_.idle_timeout) drop(idle.back());
  for (auto count = keep_alive_.to_close(now, idle.size()); count != 0; --count) {
    drop(idle.back());
  }
  report_.keeping(keep_alive_.keeps());
}

void ConnectionPool::leave_other_addresses() {
  for (SourceConnection& connection : connections_.busy()) {
    connection.leaving = !opener_.may_stay(connection);
  }
  SourceConnectionList& idle = connections_.idle();
  for (auto place = idle.begin(); place != idle.end();) {
    SourceConnection& connection = *place++;
    if (!opener_.may_stay(connection)) drop(connection);
  }
}

void ConnectionPool::close() {
  connections_.drop_all([this](Fetch& fetch) {
    FetchResult stopped;
    stopped.error = Error::stopped;
    fetches_.end(fetch, std::move(stopped));
  });
}

}  // namespace postoffice::http
