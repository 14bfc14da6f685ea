// Readiness of many sockets on an io_context, for two system calls a request.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>

namespace postoffice::http {

/// Something that waits for its file descriptor.
class Pollable {
 public:
  virtual ~Pollable() = default;
  /// `events` as epoll reports them.
  virtual void on_events(std::uint32_t events) = 0;
};

/// An epoll set that itself is one descriptor of the io_context.
///
/// Asio's own sockets try every read once more only to learn that there is nothing; registering
/// sockets here saves that system call on each request.
///
/// Threads: the io_context's only. The owner is kept alive while a wait is under way, until stop().
class Poller {
 public:
  /// `batch_begins` and `batch_done` run around each batch of events; the latter is the place to
  /// write what the batch has produced.
  Poller(asio::io_context& context, std::function<void()> batch_begins,
         std::function<void()> batch_done);

  std::error_code start(std::weak_ptr<void> owner);
  void stop();

  std::error_code add(int socket, std::uint32_t events, Pollable& pollable);
  void modify(int socket, std::uint32_t events, Pollable& pollable);
  void remove(int socket);

 private:
  void wait();
  void dispatch();

  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> epoll_;
  std::function<void()> batch_begins_;
  std::function<void()> batch_done_;
  std::weak_ptr<void> owner_;
};

}  // namespace postoffice::http
