#include "net/poller.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/last_error.hpp"

namespace postoffice::net {
namespace {

constexpr int events_max = 128;
// Under load the next batch is ready when one is done; polling again at once is cheaper than a
// round through the io_context. The bound gives its other tasks their turn.
constexpr int rounds_max = 4;

constexpr std::chrono::milliseconds pause_after_error(10);

epoll_event event_of(std::uint32_t events, Pollable& pollable) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  return event;
}

}  // namespace

void PollBatch::dispatch() {
  for (const epoll_event& event : events_) {
    static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
}

Poller::Poller(asio::io_context& context, std::function<void(PollBatch&)> run_batch)
    : watched_(context), run_batch_(std::move(run_batch)), timer_(context) {}

std::error_code Poller::start(std::weak_ptr<void> owner) {
  set_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (set_ < 0) return last_error();
  owner_ = std::move(owner);
  return wait();
}

void Poller::stop() {
  std::error_code ignored;
  if (watched_.is_open()) watched_.release();
  if (set_ >= 0) ::close(set_);
  set_ = -1;
  timer_.cancel(ignored);
}

std::error_code Poller::add(int socket, std::uint32_t events, Pollable& pollable) {
  epoll_event event = event_of(events, pollable);
  if (::epoll_ctl(set_, EPOLL_CTL_ADD, socket, &event) == 0) return {};
  return last_error();
}

void Poller::modify(int socket, std::uint32_t events, Pollable& pollable) {
  epoll_event event = event_of(events, pollable);
  ::epoll_ctl(set_, EPOLL_CTL_MOD, socket, &event);
}

void Poller::remove(int socket) { ::epoll_ctl(set_, EPOLL_CTL_DEL, socket, nullptr); }

std::error_code Poller::wait() {
  const auto ready = [this, owner = owner_.lock()](std::error_code error) {
    if (!error) look();
  };
  if (rest_ != rest_.zero()) {
    if (watched_.is_open()) watched_.release();
    timer_.expires_after(std::exchange(rest_, rest_.zero()));
    timer_.async_wait(ready);
    return {};
  }
  std::error_code error;
  if (!watched_.is_open()) watched_.assign(set_, error);
  if (!error) watched_.async_wait(asio::posix::descriptor_base::wait_read, ready);
  return error;
}

void Poller::look() {
  if (set_ >= 0) dispatch();
  if (set_ < 0 || !wait()) return;
  rest_ = pause_after_error;  // no memory for the wait: poll after a pause instead
  wait();
}

void Poller::dispatch() {
  std::array<epoll_event, events_max> events;
  for (int round = 0; round < rounds_max && set_ >= 0; ++round) {
    const int count = ::epoll_wait(set_, events.data(), events_max, 0);
    if (count <= 0) return;
    PollBatch batch({events.data(), static_cast<std::size_t>(count)});
    run_batch_(batch);
  }
}

}  // namespace postoffice::net
