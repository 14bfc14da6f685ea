// Readiness of many sockets on an io_context, for two system calls a request.
#pragma once

#include <sys/epoll.h>

#include <asio/basic_waitable_timer.hpp>
#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <system_error>

namespace postoffice::net {

/// Something that waits for its file descriptor.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` as epoll reports them.
  virtual void on_events(std::uint32_t events) = 0;
};

/// Events that were found together.
class PollBatch {
 public:
  explicit PollBatch(std::span<epoll_event> events) : events_(events) {}
  /// Calls each Pollable.
  void dispatch();

 private:
  std::span<epoll_event> events_;
};

/// An epoll set that itself is one descriptor of the io_context.
///
/// Asio's own sockets repeat every read until it finds nothing; sockets registered here save that
/// system call on each request.
///
/// Threads: the io_context's only. The owner is kept alive while a wait is under way, until stop().
class Poller {
 public:
  /// `run_batch` is called for each batch of events and must dispatch it. It may hold a lock during
  /// that, and write afterwards what the batch has produced.
  Poller(asio::io_context& context, std::function<void(PollBatch&)> run_batch);
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { stop(); }

  std::error_code start(std::weak_ptr<void> owner);
  void stop();

  std::error_code add(int socket, std::uint32_t events, Pollable& pollable);
  void modify(int socket, std::uint32_t events, Pollable& pollable);
  void remove(int socket);

  /// After the present batch, polling pauses for `span`: events during that time form one batch.
  void rest(std::chrono::steady_clock::duration span) { rest_ = span; }

 private:
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           asio::io_context::executor_type>;

  std::error_code wait();
  void look();
  void dispatch();

  // Registered with the io_context only while a wait is wanted: a registered set would wake it even
  // without one.
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> watched_;
  int set_ = -1;
  std::function<void(PollBatch&)> run_batch_;
  std::weak_ptr<void> owner_;
  Timer timer_;
  std::chrono::steady_clock::duration rest_{};
};

}  // namespace postoffice::net
