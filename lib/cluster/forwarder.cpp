#include "postoffice/defaults/forwarder.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/backoff.hpp"
#include "base/gate.hpp"

namespace postoffice {
namespace {

constexpr std::size_t read_ids_max = 8'192;

struct Callback {
  enum class State { waiting, under_way, failed, confirmed };
  Sequence sequence = 0;
  Timestamp received_at{};
  std::vector<ObjectId> ids;
  State state = State::waiting;
};

using State = Callback::State;

}  // namespace

// Everything is decided in step(), on the clock's thread; completions only record their result.
// Callbacks are in a deque, because those to be sent are read without the lock while others are
// appended.
class Forwarder::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Queue& queue, Clock& clock, Forward forward, ForwarderOptions options, Log log)
      : queue_(queue),
        clock_(clock),
        forward_(std::move(forward)),
        options_(options),
        log_(log ? std::move(log) : [](LogLevel, std::string_view) {}),
        pause_(options.retry_min, options.retry_max) {}

  void start() { wake(); }

  void stop(std::function<void()> done) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      stop_done_.push_back(std::move(done));
    }
    wake();
  }

  void close() {
    completions_.close_and_wait();
    steps_.close_and_wait();
  }

  // The queue is asked first: what it had handed over by then is in callbacks_.
  Timestamp frontier() const {
    auto result = queue_.progress().frontier;
    const std::lock_guard lock(mutex_);
    for (const auto& callback : callbacks_) {
      if (callback.state != State::confirmed) {
        result = std::min(result, callback.received_at);
      }
    }
    return result;
  }

  ForwarderStatus status() const {
    const std::lock_guard lock(mutex_);
    ForwarderStatus status;
    status.forwarded = forwarded_;
    status.failures = failures_;
    status.waiting = callbacks_.size();
    status.well = well_;
    return status;
  }

 private:
  void wake() {
    {
      const std::lock_guard lock(mutex_);
      if (std::exchange(woken_, true)) return;
    }
    const Gate::Holder inside(completions_);
    if (inside) step_at(Timestamp::min());
  }

  void step_at(Timestamp when) {
    clock_.call_at(when, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->step();
    });
  }

  void step() {
    std::vector<std::function<void()>> stopped;
    {
      const Gate::Holder inside(steps_);
      if (!inside) return;
      step(stopped);
    }
    for (const auto& done : stopped) done();  // may destroy the forwarder
  }

  void step(std::vector<std::function<void()>>& stopped) {
    std::vector<Callback*> sending;
    std::optional<Timestamp> again;
    Sequence acknowledged = 0;
    bool reading = false;
    {
      const std::lock_guard lock(mutex_);
      woken_ = false;
      acknowledged = drop_confirmed();
      again = retry();
      if (!stopping_ && !failed_) sending = take_waiting();
      reading = !stopping_ && !reading_ && ids_ < options_.ids_max;
      reading_ = reading_ || reading;
      if (stopping_ && under_way_ == 0) stopped.swap(stop_done_);
    }
    if (acknowledged != 0) queue_.acknowledge(acknowledged);
    if (again) step_at(*again);
    for (Callback* callback : sending) send(*callback);
    if (reading) read();
  }

  Sequence drop_confirmed() {
    Sequence last = 0;
    while (!callbacks_.empty()) {
      const auto& front = callbacks_.front();
      if (front.state != State::confirmed) break;
      last = front.sequence;
      ids_ -= front.ids.size();
      callbacks_.pop_front();
    }
    return last;
  }

  // Sends all failed callbacks again together, so that they go in order. Returns when to look
  // again.
  std::optional<Timestamp> retry() {
    if (!failed_ || under_way_ != 0 || stopping_) return std::nullopt;
    const auto now = clock_.now();
    if (!retry_at_) {
      retry_at_ = now + pause_.next();
      return retry_at_;
    }
    if (now < *retry_at_) return std::nullopt;
    retry_at_.reset();
    failed_ = false;
    for (auto& callback : callbacks_) {
      if (callback.state == State::failed) callback.state = State::waiting;
    }
    return std::nullopt;
  }

  std::vector<Callback*> take_waiting() {
    std::vector<Callback*> taken;
    for (auto& callback : callbacks_) {
      if (callback.state != State::waiting) continue;
      callback.state = State::under_way;
      ++under_way_;
      taken.push_back(&callback);
    }
    return taken;
  }

  // The callback stays in place until its own completion: only confirmed callbacks are removed, and
  // only in step().
  void send(Callback& callback) {
    forward_(callback.ids, callback.received_at,
             [self = shared_from_this(), &callback](std::error_code error) {
               self->sent(callback, error);
             });
  }

  void sent(Callback& callback, std::error_code error) {
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      callback.state = error ? State::failed : State::confirmed;
      --under_way_;
      failed_ = failed_ || error;
      ++(error ? failures_ : forwarded_);
      if (!error) pause_.reset();
      changed = std::exchange(well_, !failed_) == failed_;
    }
    if (changed) report(error);
    wake();
  }

  void report(std::error_code error) const {
    if (!error)
      return log_(LogLevel::info, "broker: takes callbacks again; forwarding those that waited");
    log_(LogLevel::warning, "broker: does not take callbacks (" + error.message() +
                                "); they are accepted and wait on the disk");
  }

  void read() {
    queue_.read(read_ids_max, [self = shared_from_this()](std::error_code error, Delivery found) {
      if (error) return;  // the queue shuts down: reading_ stays true, no further read follows
      {
        const std::lock_guard lock(self->mutex_);
        self->add(found);
        self->reading_ = false;
      }
      self->wake();
    });
  }

  void add(const Delivery& found) {
    for (const auto& entry : found.entries) {
      const auto ids = found.ids.begin();
      callbacks_.push_back(
          {entry.sequence, entry.received_at, {ids + entry.ids_begin, ids + entry.ids_end}});
      ids_ += callbacks_.back().ids.size();
    }
  }

  Queue& queue_;
  Clock& clock_;
  const Forward forward_;
  const ForwarderOptions options_;
  const Log log_;

  Gate completions_;  // they may come after the clock was destroyed
  Gate steps_;        // one at a time, on the clock's thread

  mutable std::mutex mutex_;  // guards all members below; never held during calls to other parts
  std::deque<Callback> callbacks_;
  std::size_t ids_ = 0;  // of callbacks_
  std::size_t under_way_ = 0;
  bool woken_ = false;  // no Mailbox: frontier() counts what has come before a step looks at it
  bool reading_ = false;
  bool failed_ = false;
  std::optional<Timestamp> retry_at_;
  Backoff<std::chrono::milliseconds> pause_;
  std::uint64_t forwarded_ = 0;
  std::uint64_t failures_ = 0;
  bool well_ = true;
  bool stopping_ = false;
  std::vector<std::function<void()>> stop_done_;
};

Forwarder::Forwarder(Queue& queue, Clock& clock, Forward forward, ForwarderOptions options, Log log)
    : impl_(std::make_shared<Impl>(queue, clock, std::move(forward), options,
                                   log_in_background(std::move(log)))) {}

Forwarder::~Forwarder() { impl_->close(); }

void Forwarder::start() { impl_->start(); }
void Forwarder::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
Timestamp Forwarder::frontier() const { return impl_->frontier(); }
ForwarderStatus Forwarder::status() const { return impl_->status(); }

}  // namespace postoffice
