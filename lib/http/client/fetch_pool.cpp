#include "http/client/fetch_pool.hpp"

#include <utility>

#include "net/loop_impl.hpp"
#include "postoffice/error.hpp"

namespace postoffice::http {

FetchPool::FetchPool(EventLoop& loop, HttpObjectSourceOptions options, Log log)
    : loop_(loop),
      context_(context_of(loop)),
      options_(std::move(options)),
      url_(parse_source_url(options_.url)),
      report_(options_.url, std::move(log), KeepAlivePolicy(options_.keep_alive).keeps()),
      poller_(context_, [this](net::PollBatch& batch) { run_batch(batch); }),
      addresses_(context_, url_.host, url_.port, options_.resolve_every),
      fetches_(options_.connections_max, SteadyClock::now()),
      connections_(options_, url_, *this, fetches_, addresses_, poller_, report_),
      timer_(context_.get_executor()),
      keeping_shown_(connections_.keeping()) {}

void FetchPool::fetch(ObjectId id, std::chrono::milliseconds timeout, ObjectSource::Done done) {
  switch (fetches_.put(id, timeout, done)) {
    case FetchQueue::Put::expected: return;
    // One post brings in everything that arrives until it runs.
    case FetchQueue::Put::tell: return post_arrivals();
    case FetchQueue::Put::closed: break;
  }
  FetchResult stopped;
  stopped.error = Error::stopped;
  done(std::move(stopped));
}

void FetchPool::post_arrivals() {
  loop_.post([self = shared_from_this()] { self->turn([&] { self->take_arrivals(); }); });
}

void FetchPool::take_arrivals() {
  if (fetches_.take_arrived()) connections_.serve();
}

// --- Turns -----------------------------------------------------------------------------------

void FetchPool::run_batch(net::PollBatch& batch) {
  Lock lock(mutex_);
  batch.dispatch();  // the sockets of a stopped pool are closed and have no events
  if (stopped_) return;
  connections_.open();
  poller_.rest(connections_.rest_after_batch(SteadyClock::now()));
  finish_turn(lock);
}

void FetchPool::finish_turn(Lock& lock) {
  fetches_.expect_arrivals();
  complete_ended(lock);
  if (stopped_) return;
  // Completions often fetch the next object: taking it here saves a turn of the loop.
  take_arrivals();
  // Fetches that failed at once meanwhile are completed in another turn, since their completions
  // may fetch again without end.
  if (fetches_.any_ended()) post_arrivals();
  arm_timer();
  publish_status();
  connections_.forget_dropped();
}

/// Until none is left, or another thread has stopped the pool and completes them.
void FetchPool::complete_ended(Lock& lock) {
  const bool stopped_before = stopped_;
  const auto outer = std::exchange(completing_, std::this_thread::get_id());
  while (fetches_.any_ended() && stopped_ == stopped_before) {
    auto [done, result] = fetches_.take_ended();
    lock.unlock();
    done(std::move(result));
    done = nullptr;  // destroying what it holds may take the lock, too
    lock.lock();
  }
  completing_ = outer;
  if (outer == std::thread::id()) completed_.notify_all();
}

void FetchPool::publish_status() {
  connections_shown_.store(connections_.size(), std::memory_order_relaxed);
  connecting_shown_.store(connections_.connecting(), std::memory_order_relaxed);
  idle_shown_.store(connections_.idle(), std::memory_order_relaxed);
  keeping_shown_.store(connections_.keeping(), std::memory_order_relaxed);
}

HttpObjectSourceStatus FetchPool::status() const {
  HttpObjectSourceStatus status;
  status.connections = connections_shown_.load(std::memory_order_relaxed);
  status.connections_max = options_.connections_max;
  status.connecting = connecting_shown_.load(std::memory_order_relaxed);
  status.idle = idle_shown_.load(std::memory_order_relaxed);
  status.keeping = keeping_shown_.load(std::memory_order_relaxed);
  report_.show_refused(status);
  return status;
}

void FetchPool::stop() {
  Lock lock(mutex_);
  if (!std::exchange(stopped_, true)) {
    connections_.close();
    fetches_.close();
    // Only the loop's thread may touch the poller. Its sockets are closed, so it is silent.
    if (polling_) loop_.post([self = shared_from_this()] { self->poller_.stop(); });
    timer_.cancel();
    addresses_.stop();
    publish_status();
  }
  const auto self = std::this_thread::get_id();
  completed_.wait(lock, [&] { return completing_ == std::thread::id() || completing_ == self; });
  complete_ended(lock);
}

// --- What the connections ask of their owner ---------------------------------------------------

std::error_code FetchPool::start_polling() {
  if (polling_) return {};
  const auto error = poller_.start(weak_from_this());
  polling_ = !error;
  return error;
}

void FetchPool::look_up() {
  addresses_.look_up([self = shared_from_this()](std::error_code error, auto endpoints) {
    self->turn([&] { self->connections_.looked_up(error, std::move(endpoints)); });
  });
}

// --- Time ------------------------------------------------------------------------------------

void FetchPool::arm_timer() {
  std::chrono::milliseconds period{0};
  if (connections_.idle() != 0) period = std::chrono::milliseconds(500);
  if (fetches_.any_deadline() || connections_.connecting() != 0) {
    period = net::DeadlineWheel::tick_length;
  }
  if (period.count() == 0) return;
  if (timer_period_.count() != 0 && timer_period_ <= period) return;
  timer_period_ = period;
  timer_.expires_after(period);
  timer_.async_wait([self = shared_from_this()](const std::error_code& error) {
    if (!error) self->turn([&] { self->on_timer(); });
  });
}

void FetchPool::on_timer() {
  timer_period_ = std::chrono::milliseconds(0);
  const auto now = SteadyClock::now();
  fetches_.expire(now, [&](Fetch& fetch) { connections_.expire(fetch); });
  connections_.tend(now);
  connections_.open();
}

}  // namespace postoffice::http
