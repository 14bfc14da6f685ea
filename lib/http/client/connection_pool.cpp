#include "http/client/connection_pool.hpp"

#include <asio/error.hpp>
#include <cassert>
#include <cerrno>
#include <utility>

#include "http/client/plain_answer.hpp"

namespace postoffice::http {
namespace {

// How long to make do with the connections there are when the system gives no more.
constexpr std::chrono::milliseconds shortage_pause{100};

/// So many fetches in a row without an answer of use: perhaps the name has moved.
constexpr std::size_t failed_run_to_distrust = 8;

/// It is this machine that is short of something, not the source.
bool is_shortage(const std::error_code& error) {
  if (error.category() != asio::error::get_system_category()) return false;
  const int value = error.value();
  return value == EMFILE || value == ENFILE || value == EADDRNOTAVAIL || value == ENOBUFS ||
         value == ENOMEM || value == ENOSPC;
}

std::string text_of(const net::AddressBook::Endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

void move_connection(SourceConnection& connection, SourceConnectionList& target,
                     SourceConnectionList::iterator position) {
  target.splice(position, *connection.home, connection.place);
  connection.home = &target;
}

}  // namespace

ConnectionPool::ConnectionPool(const HttpObjectSourceOptions& options, const SourceUrl& url,
                               Owner& owner, FetchQueue& fetches, net::AddressBook& addresses,
                               net::Poller& poller, SourceReport& report)
    : options_(options),
      host_(url.host),
      limits_{options.header_bytes_max, options.body_bytes_max},
      owner_(owner),
      fetches_(fetches),
      addresses_(addresses),
      poller_(poller),
      report_(report),
      connect_window_(options.connecting_max),
      keep_alive_(options.keep_alive),
      request_(url),
      readers_(limits_) {}

// --- Opening ---------------------------------------------------------------------------------

void ConnectionPool::serve() {
  // A name is looked up as long as it is asked, also while no connection need be opened.
  look_up_if_due(std::chrono::steady_clock::now());
  while (fetches_.any_waiting() && !idle_.empty()) {
    SourceConnection& connection = idle_.front();
    fetches_.next_waiting(connection.fetch);
    send(connection);
  }
  open();
}

void ConnectionPool::open() {
  if (fetches_.wanting() <= connecting_.size()) return;
  const Time now = std::chrono::steady_clock::now();
  look_up_if_due(now);
  while (!addresses_.empty() && fetches_.wanting() > connecting_.size() && now >= short_until_ &&
         connecting_.size() < connect_window_.size() && size() < options_.connections_max) {
    start_connect(0);
  }
}

void ConnectionPool::look_up_if_due(Time now) {
  if (addresses_.begin_look_up(now)) owner_.look_up();
}

void ConnectionPool::looked_up(const std::error_code& error,
                               net::AddressBook::Endpoints endpoints) {
  addresses_.update(error, std::move(endpoints), std::chrono::steady_clock::now());
  leave_other_addresses();
  if (addresses_.empty()) {
    const std::string reason = "look up " + host_ + ": " + error.message();
    report_.unreachable(reason);
    while (fetches_.wanting() != 0) fail_one_wanting(reason);
  }
  open();
}

void ConnectionPool::start_connect(std::size_t addresses_tried) {
  connecting_.emplace_back(*this, addresses_.at(addresses_tried), addresses_tried);
  SourceConnection& connection = connecting_.back();
  connection.home = &connecting_;
  connection.place = std::prev(connecting_.end());
  connection.since = std::chrono::steady_clock::now();
  if (const std::error_code error = begin_connect(connection)) connect_failed(connection, error);
}

std::error_code ConnectionPool::begin_connect(SourceConnection& connection) {
  if (const std::error_code error = owner_.start_polling()) return error;
  return connection.connect(poller_);
}

void ConnectionPool::ready(SourceConnection& connection) {
  if (connection.closed()) return;
  if (connection.home == &connecting_) return connect_ended(connection);
  readable(connection);
}

void ConnectionPool::connect_ended(SourceConnection& connection) {
  if (const std::error_code error = connection.establish(poller_)) {
    return connect_failed(connection, error);
  }
  connect_window_.connected(connection.since, std::chrono::steady_clock::now());
  addresses_.worked(connection.endpoint());
  report_.reachable();
  if (fetches_.wanting() == 0) return make_idle(connection);
  fetches_.next_wanting(connection.fetch);
  send(connection);
}

void ConnectionPool::connect_failed(SourceConnection& connection, const std::error_code& error) {
  const std::size_t tried = connection.addresses_tried + 1;
  const std::string reason =
      "connect to " + text_of(connection.endpoint()) + ": " + error.message();
  drop(connection);
  if (is_shortage(error) && size() != 0) {
    // Those that are open will have a turn for what waits.
    short_until_ = std::chrono::steady_clock::now() + shortage_pause;
    return;
  }
  const Time now = std::chrono::steady_clock::now();
  if (error == asio::error::timed_out && connect_window_.alive(now)) {
    // Its accept queue is full. That is not the fault of the fetch, which has a time of its own.
    connect_window_.lost(now);
    return;
  }
  if (tried < addresses_.size()) return start_connect(tried);
  report_.unreachable(reason);
  fail_one_wanting(reason);
}

// --- Carrying --------------------------------------------------------------------------------

/// The request for the fetch that it carries.
void ConnectionPool::send(SourceConnection& connection) {
  assert(connection.fetch.size() == 1);
  Fetch& fetch = connection.fetch.front();
  fetch.connection = &connection;
  if (connection.home != &busy_) move_connection(connection, busy_, busy_.end());
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
  move_connection(connection, idle_, idle_.begin());
}

void ConnectionPool::readable(SourceConnection& connection) {
  std::error_code error;
  const std::size_t size = connection.read(buffer_, error);
  if (error == asio::error::would_block) return;
  // Without a fetch there is nothing to be told: a close, or bytes that nobody asked for.
  if (connection.fetch.empty()) return drop(connection);
  if (!error && !connection.reader) {
    ReadAnswer answer;
    const ObjectId asked = connection.fetch.front().id;
    if (read_plain_answer({buffer_.data(), size}, limits_, asked, answer)) {
      return answered(connection, std::move(answer), true);
    }
  }
  read_answer(connection, error, size);
}

void ConnectionPool::read_answer(SourceConnection& connection, const std::error_code& error,
                                 std::size_t size) {
  if (error && (error != asio::error::eof || !connection.reader)) {
    return broken(connection, error == asio::error::eof ? "closed without an answer"
                                                        : "receive: " + error.message());
  }
  if (!connection.reader) connection.reader = readers_.lend();
  ResponseReader& reader = *connection.reader;
  Fetch& fetch = connection.fetch.front();
  switch (error ? reader.finish() : reader.feed({buffer_.data(), size})) {
    case ResponseReader::State::more: return;
    case ResponseReader::State::complete: {
      ReadAnswer answer = answer_of_response(reader, fetch.id);
      const bool reusable = reader.reusable();
      readers_.give_back(std::move(connection.reader));
      return answered(connection, std::move(answer), reusable);
    }
    case ResponseReader::State::failed: break;
  }
  report_.refused(reader.refusal(), reader.failure(), fetch.id);
  fail(fetch, error ? Error::unavailable : Error::bad_answer, reader.failure());
  drop(connection);
}

void ConnectionPool::answered(SourceConnection& connection, ReadAnswer answer, bool reusable) {
  const Time now = std::chrono::steady_clock::now();
  note_answer(connection, answer, now);
  end(connection.fetch.front(), std::move(answer));
  if (!reusable || connection.leaving || !keep_alive_.keeps() || keep_alive_.take_from_trial()) {
    return drop(connection);
  }
  if (!fetches_.any_waiting()) return make_idle(connection);
  fetches_.next_waiting(connection.fetch);
  send(connection);
}

/// All that learn from answers.
void ConnectionPool::note_answer(SourceConnection& connection, const ReadAnswer& answer, Time now) {
  const Fetch& fetch = connection.fetch.front();
  coalescer_.answered(now - (fetch.expires_at - fetch.timeout));
  connect_window_.heard(now);
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
  if (!connecting_.empty() && connect_window_.better_anew(connecting_.front().since, now)) {
    drop(connecting_.front());  // the batch ends with opening others
  }
}

/// The connection failed under its fetch.
void ConnectionPool::broken(SourceConnection& connection, const std::string& reason) {
  Fetch& fetch = connection.fetch.front();
  // The source may close an idle connection at any time, also while the request is on its way.
  // That is nobody's error, and a GET may be repeated: once more, on a connection that is new.
  if (connection.used && !connection.reader && !fetch.second_try) {
    keep_alive_.stale(connection.since, std::chrono::steady_clock::now());
    fetches_.retry(fetch);
  } else {
    fail(fetch, Error::unavailable, reason);
  }
  drop(connection);
}

void ConnectionPool::drop(SourceConnection& connection) {
  if (connection.asked && !connection.used) {
    keep_alive_.gone_on_new();
  } else if (connection.home != &connecting_) {
    keep_alive_.freed(std::chrono::steady_clock::now());
  }
  connection.close();
  move_connection(connection, dropped_, dropped_.end());
}

void ConnectionPool::expire(Fetch& fetch) {
  // An answer that comes too late must not be taken for the answer to the next request.
  SourceConnection* const connection = fetch.connection;
  const std::string span = std::to_string(fetch.timeout.count()) + " ms";
  fail(fetch, Error::timed_out,
       (connection ? "no answer within " : "no connection within ") + span);
  if (connection) drop(*connection);
}

// --- Giving up -------------------------------------------------------------------------------

void ConnectionPool::tend(Time now) {
  const auto stuck_after = connect_window_.stuck_after(now, options_.connect_timeout);
  while (!connecting_.empty() && now - connecting_.front().since >= stuck_after) {
    connect_failed(connecting_.front(), asio::error::timed_out);
  }
  while (!idle_.empty() && now - idle_.back().since >= options_.idle_timeout) drop(idle_.back());
  for (auto count = keep_alive_.to_close(now, idle_.size()); count != 0; --count) {
    drop(idle_.back());
  }
  report_.keeping(keep_alive_.keeps());
}

/// Those whose address is no longer the source's; and, where another one is tried for want of
/// useful answers, those to the old one.
void ConnectionPool::leave_other_addresses() {
  if (addresses_.empty()) return;
  const auto stays = [&](const SourceConnection& connection) {
    if (!addresses_.contains(connection.endpoint())) return false;
    return failed_run_ < failed_run_to_distrust || connection.endpoint() == addresses_.at(0);
  };
  for (SourceConnection& connection : busy_) connection.leaving = !stays(connection);
  for (auto place = idle_.begin(); place != idle_.end();) {
    SourceConnection& connection = *place++;
    if (!stays(connection)) drop(connection);
  }
}

void ConnectionPool::close() {
  for (SourceConnectionList* list : {&connecting_, &busy_, &idle_}) {
    for (SourceConnection& connection : *list) {
      connection.close();
      connection.home = &dropped_;
      if (connection.fetch.empty()) continue;
      FetchResult stopped;
      stopped.error = Error::stopped;
      fetches_.end(connection.fetch.front(), std::move(stopped));
    }
    dropped_.splice(dropped_.end(), *list);
  }
}

// --- Results ---------------------------------------------------------------------------------

void ConnectionPool::end(Fetch& fetch, FetchResult result) {
  // The address that is asked may no longer be the source's.
  const bool failed = result.error && result.error != Error::not_found;
  failed_run_ = failed ? failed_run_ + 1 : 0;
  if (failed_run_ >= failed_run_to_distrust) addresses_.distrust();
  fetches_.end(fetch, std::move(result));
}

void ConnectionPool::fail(Fetch& fetch, Error error, std::string reason) {
  FetchResult result;
  result.error = error;
  result.reason = std::move(reason);
  end(fetch, std::move(result));
}

void ConnectionPool::fail_one_wanting(const std::string& reason) {
  if (fetches_.wanting() != 0) fail(fetches_.first_wanting(), Error::unavailable, reason);
}

}  // namespace postoffice::http
