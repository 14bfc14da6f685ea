#include "http/client/connection_opener.hpp"

#include <asio/error.hpp>
#include <cassert>
#include <cerrno>
#include <utility>

#include "postoffice/error.hpp"

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

}  // namespace

ConnectionOpener::ConnectionOpener(const HttpObjectSourceOptions& options, const std::string& host,
                                   Owner& owner, SourceConnectionEvents& events,
                                   ConnectionSet& connections, FetchQueue& fetches,
                                   net::AddressBook& addresses, net::Poller& poller,
                                   SourceReport& report)
    : options_(options),
      host_(host),
      owner_(owner),
      events_(events),
      connections_(connections),
      fetches_(fetches),
      addresses_(addresses),
      poller_(poller),
      report_(report),
      connect_window_(options.connecting_max) {}

void ConnectionOpener::look_up_if_due(Time now) {
  if (addresses_.begin_look_up(now)) owner_.look_up();
}

bool ConnectionOpener::looked_up(const std::error_code& error,
                                 net::AddressBook::Endpoints endpoints) {
  addresses_.update(error, std::move(endpoints), std::chrono::steady_clock::now());
  if (!addresses_.empty()) return true;
  const std::string reason = "look up " + host_ + ": " + error.message();
  report_.unreachable(reason);
  while (fetches_.wanting() != 0) fail_one_wanting(reason);
  return false;
}

void ConnectionOpener::open() {
  const SourceConnectionList& connecting = connections_.connecting();
  if (fetches_.wanting() <= connecting.size()) return;
  const Time now = std::chrono::steady_clock::now();
  look_up_if_due(now);
  while (!addresses_.empty() && fetches_.wanting() > connecting.size() && now >= short_until_ &&
         connecting.size() < connect_window_.size() &&
         connections_.size() < options_.connections_max) {
    start_connect(0);
  }
}

void ConnectionOpener::start_connect(std::size_t addresses_tried) {
  SourceConnection& connection =
      connections_.add_connecting(events_, addresses_.at(addresses_tried), addresses_tried);
  connection.since = std::chrono::steady_clock::now();
  if (const std::error_code error = begin_connect(connection)) connect_failed(connection, error);
}

std::error_code ConnectionOpener::begin_connect(SourceConnection& connection) {
  if (const std::error_code error = owner_.start_polling()) return error;
  return connection.connect(poller_);
}

bool ConnectionOpener::connected(SourceConnection& connection) {
  if (const std::error_code error = connection.establish(poller_)) {
    connect_failed(connection, error);
    return false;
  }
  connect_window_.connected(connection.since, std::chrono::steady_clock::now());
  addresses_.worked(connection.endpoint());
  report_.reachable();
  return true;
}

void ConnectionOpener::connect_failed(SourceConnection& connection, const std::error_code& error) {
  const std::size_t tried = connection.addresses_tried + 1;
  const std::string reason =
      "connect to " + text_of(connection.endpoint()) + ": " + error.message();
  connections_.drop(connection);
  const Time now = std::chrono::steady_clock::now();
  if (is_shortage(error) && connections_.size() != 0) {
    // Those that are open will have a turn for what waits.
    short_until_ = now + shortage_pause;
    return;
  }
  if (error == asio::error::timed_out && connect_window_.alive(now)) {
    // Its accept queue is full. That is not the fault of the fetch, which has a time of its own.
    connect_window_.lost(now);
    return;
  }
  if (tried < addresses_.size()) return start_connect(tried);
  report_.unreachable(reason);
  fail_one_wanting(reason);
}

void ConnectionOpener::tend(Time now) {
  const auto stuck_after = connect_window_.stuck_after(now, options_.connect_timeout);
  SourceConnectionList& connecting = connections_.connecting();
  while (!connecting.empty() && now - connecting.front().since >= stuck_after) {
    connect_failed(connecting.front(), asio::error::timed_out);
  }
}

void ConnectionOpener::heard_on_new(Time now) {
  SourceConnectionList& connecting = connections_.connecting();
  if (!connecting.empty() && connect_window_.better_anew(connecting.front().since, now)) {
    connections_.drop(connecting.front());  // the batch ends with opening others
  }
}

void ConnectionOpener::note_result(const std::error_code& error) {
  const bool failed = error && error != Error::not_found;
  failed_run_ = failed ? failed_run_ + 1 : 0;
  if (failed_run_ >= failed_run_to_distrust) addresses_.distrust();
}

bool ConnectionOpener::may_stay(const SourceConnection& connection) const {
  assert(!addresses_.empty());
  if (!addresses_.contains(connection.endpoint())) return false;
  return failed_run_ < failed_run_to_distrust || connection.endpoint() == addresses_.at(0);
}

void ConnectionOpener::fail_one_wanting(const std::string& reason) {
  if (fetches_.wanting() == 0) return;
  FetchResult result;
  result.error = Error::unavailable;
  result.reason = reason;
  note_result(result.error);
  fetches_.end(fetches_.first_wanting(), std::move(result));
}

}  // namespace postoffice::http
