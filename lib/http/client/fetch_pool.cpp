#include "http/client/fetch_pool.hpp"

#include <asio/error.hpp>
#include <cerrno>
#include <charconv>
#include <utility>

#include "event_loop/loop_impl.hpp"
#include "http/client/answer_of_response.hpp"
#include "http/client/plain_answer.hpp"
#include "postoffice/version.hpp"

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

std::string request_suffix(const SourceUrl& url) {
  return url.target_suffix + " HTTP/1.1\r\nHost: " + url.host_header +
         "\r\nUser-Agent: postoffice/" + version() +
         "\r\nAccept: application/json\r\nConnection: keep-alive\r\n\r\n";
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

FetchPool::FetchPool(EventLoop& loop, HttpObjectSourceOptions options, Log log)
    : loop_(loop),
      context_(context_of(loop)),
      options_(std::move(options)),
      log_(std::move(log)),
      url_(parse_source_url(options_.url)),
      limits_{options_.header_bytes_max, options_.body_bytes_max},
      request_prefix_("GET " + url_.target_prefix),
      request_suffix_(request_suffix(url_)),
      poller_(
          context_, [this] { mutex_.lock(); }, [this] { finish_batch(); }),
      addresses_(context_, url_.host, url_.port, options_.resolve_every),
      deadlines_(SteadyClock::now()),
      timer_(context_.get_executor()) {}

/// Runs `task` unless the pool was stopped, then does what it made due.
template <typename Task>
void FetchPool::locked(Task task) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  task();
  settle();
}

/// The lock was taken when the batch began.
void FetchPool::finish_batch() {
  const std::lock_guard lock(mutex_, std::adopt_lock);
  if (stopped_) return;
  open_connections();
  poller_.rest(rest_.after_batch(SteadyClock::now()));
  settle();
}

void FetchPool::settle() {
  {
    const std::lock_guard lock(inbox_mutex_);
    taker_due_ = true;
  }
  complete_ready();
  if (stopped_) return;
  // Completions often ask for the next object: this saves them the way round the loop.
  take_inbox();
  // What failed at once meanwhile is completed in a round of its own: it may ask again, for ever.
  if (!ready_.empty()) post_take_inbox();
  arm_timer();
  publish_status();
  dropped_.clear();
}

void FetchPool::complete_ready() {
  // One at a time: a completion may stop the pool, which completes the others.
  while (!ready_.empty()) {
    Fetch& fetch = move_fetch(ready_, ready_.begin(), ended_, ended_.end());
    const ObjectSource::Done done = std::exchange(fetch.done, nullptr);
    done(std::move(fetch.result));
  }
}

void FetchPool::publish_status() {
  connections_shown_.store(connections(), std::memory_order_relaxed);
  connecting_shown_.store(connecting_.size(), std::memory_order_relaxed);
  idle_shown_.store(idle_.size(), std::memory_order_relaxed);
}

HttpObjectSourceStatus FetchPool::status() const {
  HttpObjectSourceStatus status;
  status.connections = connections_shown_.load(std::memory_order_relaxed);
  status.connecting = connecting_shown_.load(std::memory_order_relaxed);
  status.idle = idle_shown_.load(std::memory_order_relaxed);
  return status;
}

void FetchPool::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (SourceConnectionList* list : {&connecting_, &busy_, &idle_}) {
    for (SourceConnection& connection : *list) {
      connection.close();
      waiting_.splice(waiting_.end(), connection.fetch);
    }
    dropped_.splice(dropped_.end(), *list);
  }
  waiting_.splice(waiting_.end(), retries_);
  {
    const std::lock_guard inbox_lock(inbox_mutex_);
    waiting_.splice(waiting_.end(), inbox_);
  }
  for (Fetch& fetch : waiting_) {
    deadlines_.remove(fetch);
    fetch.result = FetchResult{};
    fetch.result.error = Error::stopped;
  }
  ready_.splice(ready_.end(), waiting_);
  // Only the loop's thread may touch the poller. Its sockets are closed, so it is silent.
  if (polling_) loop_.post([self = shared_from_this()] { self->poller_.stop(); });
  timer_.cancel();
  addresses_.stop();
  publish_status();
  complete_ready();
}

// --- Fetches ---------------------------------------------------------------------------------

void FetchPool::fetch(ObjectId id, std::chrono::milliseconds timeout, ObjectSource::Done done) {
  {
    const std::lock_guard lock(inbox_mutex_);
    if (spare_.empty()) spare_.emplace_back();
    spare_.front().begin(id, timeout, std::move(done));
    inbox_.splice(inbox_.end(), spare_, spare_.begin());
    // One post brings in everything that arrives until it runs.
    if (std::exchange(taker_due_, true)) return;
  }
  post_take_inbox();
}

void FetchPool::post_take_inbox() {
  loop_.post([self = shared_from_this()] { self->locked([&] { self->take_inbox(); }); });
}

void FetchPool::take_inbox() {
  FetchList arrived;
  {
    const std::lock_guard lock(inbox_mutex_);
    taker_due_ = false;
    arrived.swap(inbox_);
    spare_.splice(spare_.begin(), ended_);
    while (spare_.size() > options_.connections_max) spare_.pop_back();
  }
  if (arrived.empty()) return;
  while (!arrived.empty()) {
    Fetch& fetch = move_fetch(arrived, arrived.begin(), waiting_, waiting_.end());
    deadlines_.add(fetch, fetch.expires_at);
  }
  while (!waiting_.empty() && !idle_.empty()) carry(idle_.front(), waiting_);
  open_connections();
}

void FetchPool::complete(Fetch& fetch, FetchResult result) {
  deadlines_.remove(fetch);
  fetch.result = std::move(result);
  move_fetch(*fetch.home, fetch.place, ready_, ready_.end());
}

void FetchPool::fail(Fetch& fetch, Error error, std::string reason) {
  FetchResult result;
  result.error = error;
  result.reason = std::move(reason);
  complete(fetch, std::move(result));
}

void FetchPool::fail_one_waiting(const std::string& reason) {
  FetchList& list = retries_.empty() ? waiting_ : retries_;
  if (!list.empty()) fail(list.front(), Error::unavailable, reason);
}

void FetchPool::expire(Fetch& fetch) {
  // An answer that comes too late must not be taken for the answer to the next request.
  SourceConnection* const connection = fetch.connection;
  const std::string span = std::to_string(fetch.timeout.count()) + " ms";
  fail(fetch, Error::timed_out,
       (connection ? "no answer within " : "no connection within ") + span);
  if (connection) drop(*connection);
}

// --- Connections -----------------------------------------------------------------------------

void FetchPool::open_connections() {
  if (wanting() <= connecting_.size()) return;
  const Time now = SteadyClock::now();
  if (addresses_.begin_look_up(now)) look_up();
  while (!addresses_.empty() && wanting() > connecting_.size() && now >= short_until_ &&
         connecting_.size() < options_.connecting_max && connections() < options_.connections_max) {
    start_connect(0);
  }
}

void FetchPool::look_up() {
  addresses_.look_up([self = shared_from_this()](std::error_code error, auto endpoints) {
    self->locked([&] {
      self->addresses_.update(error, std::move(endpoints), SteadyClock::now());
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
  request_.append(request_suffix_);
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
    FetchResult result;
    const ObjectId asked = connection.fetch.front().id;
    if (read_plain_answer({buffer_.data(), size}, limits_, asked, result)) {
      return answered(connection, std::move(result), true);
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
      FetchResult result = answer_of_response(reader, fetch.id);
      const bool reusable = reader.reusable();
      keep_reader(std::move(connection.reader));
      return answered(connection, std::move(result), reusable);
    }
    case ResponseReader::State::failed: break;
  }
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

void FetchPool::answered(SourceConnection& connection, FetchResult result, bool reusable) {
  Fetch& fetch = connection.fetch.front();
  rest_.answered(SteadyClock::now() - (fetch.expires_at - fetch.timeout));
  complete(fetch, std::move(result));
  if (!reusable) return drop(connection);
  connection.used = true;
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
    fetch.connection = nullptr;
    move_fetch(connection.fetch, connection.fetch.begin(), retries_, retries_.end());
  } else {
    fail(fetch, Error::unavailable, reason);
  }
  drop(connection);
}

void FetchPool::drop(SourceConnection& connection) {
  connection.close();
  move_connection(connection, dropped_, dropped_.end());
}

void FetchPool::report_reachable(bool reachable, const std::string& reason) {
  const Reachable before = std::exchange(reachable_, reachable ? Reachable::yes : Reachable::no);
  if (before == reachable_ || !log_) return;
  if (!reachable) log_(LogLevel::warning, "source " + options_.url + ": " + reason);
  if (reachable && before == Reachable::no) {
    log_(LogLevel::info, "source " + options_.url + ": reachable again");
  }
}

// --- Time ------------------------------------------------------------------------------------

void FetchPool::arm_timer() {
  std::chrono::milliseconds period{0};
  if (!idle_.empty()) period = std::chrono::milliseconds(500);
  if (!deadlines_.empty() || !connecting_.empty()) period = DeadlineWheel::tick_length;
  if (period.count() == 0) return;
  if (timer_period_.count() != 0 && timer_period_ <= period) return;
  timer_period_ = period;
  timer_.expires_after(period);
  timer_.async_wait([self = shared_from_this()](const std::error_code& error) {
    if (!error) self->locked([&] { self->on_timer(); });
  });
}

void FetchPool::on_timer() {
  timer_period_ = std::chrono::milliseconds(0);
  const Time now = SteadyClock::now();
  deadlines_.expire(now, [&](Deadline& deadline) { expire(static_cast<Fetch&>(deadline)); });
  while (!connecting_.empty() && now - connecting_.front().since >= options_.connect_timeout) {
    connect_failed(connecting_.front(), asio::error::timed_out);
  }
  while (!idle_.empty() && now - idle_.back().since >= options_.idle_timeout) drop(idle_.back());
  open_connections();
}

}  // namespace postoffice::http
