#include "http/server/poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

namespace postoffice::http {
namespace {

constexpr int events_max = 128;
// Under load the next batch is ready when one is done; looking at once is cheaper than to go round
// the io_context. The bound lets its other tasks have their turn.
constexpr int rounds_max = 4;

std::error_code last_error() { return {errno, std::system_category()}; }

epoll_event event_of(std::uint32_t events, Pollable& pollable) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  return event;
}

}  // namespace

Poller::Poller(asio::io_context& context, std::function<void()> batch_begins,
               std::function<void()> batch_done)
    : epoll_(context), batch_begins_(std::move(batch_begins)), batch_done_(std::move(batch_done)) {}

std::error_code Poller::start(std::weak_ptr<void> owner) {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return last_error();
  owner_ = std::move(owner);
  std::error_code error;
  epoll_.assign(descriptor, error);
  if (!error) wait();
  return error;
}

void Poller::stop() {
  std::error_code ignored;
  epoll_.close(ignored);
}

std::error_code Poller::add(int socket, std::uint32_t events, Pollable& pollable) {
  epoll_event event = event_of(events, pollable);
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, socket, &event) == 0) return {};
  return last_error();
}

void Poller::modify(int socket, std::uint32_t events, Pollable& pollable) {
  epoll_event event = event_of(events, pollable);
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, socket, &event);
}

void Poller::remove(int socket) {
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
}

void Poller::wait() {
  epoll_.async_wait(asio::posix::descriptor_base::wait_read,
                    [this, owner = owner_.lock()](std::error_code error) {
                      if (error) return;
                      dispatch();
                      if (epoll_.is_open()) wait();
                    });
}

void Poller::dispatch() {
  std::array<epoll_event, events_max> events;
  for (int round = 0; round < rounds_max && epoll_.is_open(); ++round) {
    const int count = ::epoll_wait(epoll_.native_handle(), events.data(), events_max, 0);
    if (count <= 0) return;
    batch_begins_();
    for (int i = 0; i < count; ++i) {
      static_cast<Pollable*>(events[static_cast<std::size_t>(i)].data.ptr)
          ->on_events(events[static_cast<std::size_t>(i)].events);
    }
    batch_done_();
  }
}

}  // namespace postoffice::http
