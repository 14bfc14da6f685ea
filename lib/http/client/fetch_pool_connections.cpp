// The connections of a FetchPool: opened, put to use, given up.
#include <asio/error.hpp>
#include <cerrno>
#include <charconv>
#include <utility>

#include "http/client/answer_of_response.hpp"
#include "http/client/fetch_pool.hpp"
#include "http/client/plain_answer.hpp"

namespace postoffice::http {
namespace {

// More than answers that come in pieces at one time, which is what they are for.
constexpr std::size_t spare_readers_max = 64;

// How long to make do with the connections there are when the system gives no more.
constexpr std::chrono::milliseconds shortage_pause{100};

/// It is this machine that is short of something, not the source.
bool is_shortage(const std::error_code& error) {
  if (error.category() != asio::error::get_system_category()) return false;
  const int value = error.value();
  return value == EMFILE || value == ENFILE || value == EADDRNOTAVAIL || value == ENOBUFS ||
         value == ENOMEM || value == ENOSPC;
}

std::string text_of(const AddressBook::Endpoint& endpoint) {
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

void FetchPool::open_connections() {
  if (wanting() <= connecting_.size()) return;
  const Time now = SteadyClock::now();
  if (addresses_.begin_look_up(now)) look_up();
  while (!addresses_.empty() && wanting() > connecting_.size() && now >= short_until_ &&
         connecting_.size() < connect_window_.size() && connections() < options_.connections_max) {
    start_connect(0);
  }
}

void FetchPool::look_up() {
  addresses_.look_up([self = shared_from_this()](std::error_code error, auto endpoints) {
    self->locked([&] {
      self->addresses_.update(error, std::move(endpoints), SteadyClock::now());
      self->leave_other_addresses();
      if (self->addresses_.empty()) {
        const std::string reason = "look up " + self->url_.host + ": " + error.message();
        self->report_reachable(false, reason);
        while (self->wanting() != 0) self->fail_one_waiting(reason);
      }
      self->open_connections();
    });
  });
}

void FetchPool::start_connect(std::size_t addresses_tried) {
  connecting_.emplace_back(*this, addresses_.at(addresses_tried), addresses_tried);
  SourceConnection& connection = connecting_.back();
  connection.home = &connecting_;
  connection.place = std::prev(connecting_.end());
  connection.since = SteadyClock::now();
  if (const std::error_code error = begin_connect(connection)) connect_failed(connection, error);
}

std::error_code FetchPool::begin_connect(SourceConnection& connection) {
  if (!polling_) {
    if (const std::error_code error = poller_.start(weak_from_this())) return error;
    polling_ = true;
  }
  return connection.connect(poller_);
}

/// Something has happened to the socket; part of a batch, so the lock is held.
void FetchPool::ready(SourceConnection& connection) {
  if (connection.closed()) return;
  if (connection.home == &connecting_) return connect_ended(connection);
  readable(connection);
}

void FetchPool::connect_ended(SourceConnection& connection) {
  if (const std::error_code error = connection.establish(poller_)) {
    return connect_failed(connection, error);
  }
  connect_window_.connected(connection.since, SteadyClock::now());
  addresses_.worked(connection.endpoint());
  report_reachable(true, {});
  if (wanting() == 0) return make_idle(connection);
  carry(connection, retries_.empty() ? waiting_ : retries_);
}

void FetchPool::connect_failed(SourceConnection& connection, const std::error_code& error) {
  const std::size_t tried = connection.addresses_tried + 1;
  const std::string reason =
      "connect to " + text_of(connection.endpoint()) + ": " + error.message();
  drop(connection);
  if (is_shortage(error) && connections() != 0) {
    // Those that are open will have a turn for what waits.
    short_until_ = SteadyClock::now() + shortage_pause;
    return;
  }
  const Time now = SteadyClock::now();
  if (error == asio::error::timed_out && connect_window_.alive(now)) {
    // Its accept queue is full. That is not the fault of the fetch, which has a time of its own.
    connect_window_.lost(now);
    return;
  }
  if (tried < addresses_.size()) return start_connect(tried);
  report_reachable(false, reason);
  fail_one_waiting(reason);
}

/// Sends the first fetch of `source`.
void FetchPool::carry(SourceConnection& connection, FetchList& source) {
  Fetch& fetch = move_fetch(source, source.begin(), connection.fetch, connection.fetch.end());
  fetch.connection = &connection;
  if (connection.home != &busy_) move_connection(connection, busy_, busy_.end());

  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), fetch.id).ptr;
  request_.assign(request_prefix_).append(digits.data(), end);
  request_.append(keep_alive_.keeps() ? request_suffix_ : last_request_suffix_);
  connection.since = SteadyClock::now();
  if (!connection.used) {
    connection.asked = true;
    keep_alive_.sent_on_new(connection.since);
  }
  if (const auto error = connection.send(request_)) broken(connection, "send: " + error.message());
}

void FetchPool::make_idle(SourceConnection& connection) {
  connection.since = SteadyClock::now();
  move_connection(connection, idle_, idle_.begin());
}

void FetchPool::readable(SourceConnection& connection) {
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

void FetchPool::read_answer(SourceConnection& connection, const std::error_code& error,
                            std::size_t size) {
  if (error && (error != asio::error::eof || !connection.reader)) {
    return broken(connection, error == asio::error::eof ? "closed without an answer"
                                                        : "receive: " + error.message());
  }
  if (!connection.reader) connection.reader = take_reader();
  ResponseReader& reader = *connection.reader;
  Fetch& fetch = connection.fetch.front();
  switch (error ? reader.finish() : reader.feed({buffer_.data(), size})) {
    case ResponseReader::State::more: return;
    case ResponseReader::State::complete: {
      ReadAnswer answer = answer_of_response(reader, fetch.id);
      const bool reusable = reader.reusable();
      keep_reader(std::move(connection.reader));
      return answered(connection, std::move(answer), reusable);
    }
    case ResponseReader::State::failed: break;
  }
  count_refused(reader.refusal(), reader.failure(), fetch.id);
  fail(fetch, error ? Error::unavailable : Error::bad_answer, reader.failure());
  drop(connection);
}

std::unique_ptr<ResponseReader> FetchPool::take_reader() {
  if (spare_readers_.empty()) return std::make_unique<ResponseReader>(limits_);
  std::unique_ptr<ResponseReader> reader = std::move(spare_readers_.back());
  spare_readers_.pop_back();
  return reader;
}

void FetchPool::keep_reader(std::unique_ptr<ResponseReader> reader) {
  if (spare_readers_.size() >= spare_readers_max) return;
  reader->reset();
  spare_readers_.push_back(std::move(reader));
}

void FetchPool::answered(SourceConnection& connection, ReadAnswer answer, bool reusable) {
  Fetch& fetch = connection.fetch.front();
  const Time now = SteadyClock::now();
  const Time began = fetch.expires_at - fetch.timeout;
  rest_.answered(now - began);
  connect_window_.heard(now);
  if (answer.refusal == Refusal::none) {
    count_taken();
  } else {
    count_refused(answer.refusal, answer.reason, fetch.id);
  }
  if (std::exchange(connection.used, true)) {
    keep_alive_.answered_on_kept(connection.since, now);
  } else {
    keep_alive_.answered_on_new(connection.since, now);
    if (!connecting_.empty() && connect_window_.better_anew(connecting_.front().since, now)) {
      drop(connecting_.front());  // the batch ends with opening others
    }
  }
  complete(fetch, std::move(answer));
  if (!reusable || connection.leaving || !keep_alive_.keeps() || keep_alive_.take_from_trial()) {
    return drop(connection);
  }
  if (waiting_.empty()) return make_idle(connection);
  carry(connection, waiting_);
}

/// The connection failed under its fetch.
void FetchPool::broken(SourceConnection& connection, const std::string& reason) {
  Fetch& fetch = connection.fetch.front();
  // The source may close an idle connection at any time, also while the request is on its way.
  // That is nobody's error, and a GET may be repeated: once more, on a connection that is new.
  if (connection.used && !connection.reader && !fetch.second_try) {
    fetch.second_try = true;
    keep_alive_.stale(connection.since, SteadyClock::now());
    fetch.connection = nullptr;
    move_fetch(connection.fetch, connection.fetch.begin(), retries_, retries_.end());
  } else {
    fail(fetch, Error::unavailable, reason);
  }
  drop(connection);
}

void FetchPool::drop(SourceConnection& connection) {
  if (connection.asked && !connection.used) {
    keep_alive_.gone_on_new();
  } else if (connection.home != &connecting_) {
    keep_alive_.freed(SteadyClock::now());
  }
  connection.close();
  move_connection(connection, dropped_, dropped_.end());
}

void FetchPool::tend_connections(Time now) {
  for (auto count = keep_alive_.to_close(now, idle_.size()); count != 0; --count) {
    drop(idle_.back());
  }
  const bool keeps = keep_alive_.keeps();
  if (std::exchange(keeping_told_, keeps) != keeps && log_) {
    log_(LogLevel::info,
         "source " + options_.url + ": " +
             (keeps ? "connections are kept open again, on probation"
                    : "connections that are kept keep others waiting, or are of no use: each is "
                      "closed after its answer for now"));
  }
}

/// Those whose address is no longer the source's; and, where another one is tried for want of
/// useful answers, those to the old one.
void FetchPool::leave_other_addresses() {
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

void FetchPool::report_reachable(bool reachable, const std::string& reason) {
  const Reachable before = std::exchange(reachable_, reachable ? Reachable::yes : Reachable::no);
  if (before == reachable_ || !log_) return;
  if (!reachable) log_(LogLevel::warning, "source " + options_.url + ": " + reason);
  if (reachable && before == Reachable::no) {
    log_(LogLevel::info, "source " + options_.url + ": reachable again");
  }
}

}  // namespace postoffice::http
