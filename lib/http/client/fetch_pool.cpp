#include "http/client/fetch_pool.hpp"

#include <asio/error.hpp>
#include <utility>

#include "event_loop/loop_impl.hpp"
#include "postoffice/error.hpp"
#include "postoffice/version.hpp"

namespace postoffice::http {
namespace {

std::string request_suffix(const SourceUrl& url, const char* connection) {
  return url.target_suffix + " HTTP/1.1\r\nHost: " + url.host_header +
         "\r\nUser-Agent: postoffice/" + version() +
         "\r\nAccept: application/json\r\nConnection: " + connection + "\r\n\r\n";
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
      request_suffix_(request_suffix(url_, "keep-alive")),
      last_request_suffix_(request_suffix(url_, "close")),
      poller_(
          context_, [this] { mutex_.lock(); }, [this] { finish_batch(); }),
      connect_window_(options_.connecting_max),
      keep_alive_(options_.keep_alive),
      keeping_told_(keep_alive_.keeps()),
      addresses_(context_, url_.host, url_.port, options_.resolve_every),
      deadlines_(SteadyClock::now()),
      timer_(context_.get_executor()) {}

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
  keeping_shown_.store(keep_alive_.keeps(), std::memory_order_relaxed);
}

HttpObjectSourceStatus FetchPool::status() const {
  HttpObjectSourceStatus status;
  status.connections = connections_shown_.load(std::memory_order_relaxed);
  status.connecting = connecting_shown_.load(std::memory_order_relaxed);
  status.idle = idle_shown_.load(std::memory_order_relaxed);
  status.keeping = keeping_shown_.load(std::memory_order_relaxed);
  const std::lock_guard lock(refused_mutex_);
  for (std::size_t kind = 1; kind < refusals; ++kind) {
    status.refused.push_back({label_of(static_cast<Refusal>(kind)), refused_.counts()[kind]});
  }
  status.refused_in_a_row = refused_.run();
  if (refused_.only_refused(SteadyClock::now())) status.only_refused = refused_.newest_reason();
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
  // A name is looked up as long as it is asked, also while no connection need be opened.
  if (addresses_.begin_look_up(SteadyClock::now())) look_up();
  while (!waiting_.empty() && !idle_.empty()) carry(idle_.front(), waiting_);
  open_connections();
}

void FetchPool::complete(Fetch& fetch, FetchResult result) {
  deadlines_.remove(fetch);
  judge(result.error);
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

/// The address that is asked may no longer be the source's.
void FetchPool::judge(const std::error_code& error) {
  failed_run_ = error && error != Error::not_found ? failed_run_ + 1 : 0;
  if (failed_run_ >= failed_run_to_distrust) addresses_.distrust();
}

void FetchPool::count_refused(Refusal refusal, const std::string& reason, ObjectId id) {
  const Time now = SteadyClock::now();
  bool first = false;
  bool only = false;
  {
    const std::lock_guard lock(refused_mutex_);
    first = refused_.refused(refusal, reason, now);
    only = refused_.only_refused(now);
  }
  if (first && log_) {
    log_(LogLevel::warning, "source " + options_.url + ": an answer is refused, the one about id " +
                                std::to_string(id) + ": " + reason +
                                " (more like it are counted, not told)");
  }
  if (only && !std::exchange(only_refused_told_, true) && log_) {
    log_(LogLevel::warning,
         "source " + options_.url + ": nothing but refused answers comes, at last: " + reason);
  }
}

void FetchPool::count_taken() {
  if (refused_.run() == 0) return;
  {
    const std::lock_guard lock(refused_mutex_);
    refused_.taken();
  }
  if (std::exchange(only_refused_told_, false) && log_) {
    log_(LogLevel::info, "source " + options_.url + ": its answers are taken again");
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
  const auto stuck_after = connect_window_.stuck_after(now, options_.connect_timeout);
  while (!connecting_.empty() && now - connecting_.front().since >= stuck_after) {
    connect_failed(connecting_.front(), asio::error::timed_out);
  }
  while (!idle_.empty() && now - idle_.back().since >= options_.idle_timeout) drop(idle_.back());
  tend_connections(now);
  open_connections();
}

}  // namespace postoffice::http
