// The inside of an EventLoop, for the adapters that run on one.
#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "postoffice/defaults/event_loop.hpp"

namespace postoffice {

struct EventLoop::Impl {
  explicit Impl(asio::io_context* joined)
      : own(joined ? nullptr : new asio::io_context(1)), context(joined ? *joined : *own) {}

  std::unique_ptr<asio::io_context> own;  // null if the loop runs on the user's context
  asio::io_context& context;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::thread thread;
};

struct EventLoopAccess {
  static asio::io_context& context_of(EventLoop& loop) { return loop.impl_->context; }
  static std::unique_ptr<EventLoop> join(asio::io_context& context) {
    auto impl = std::make_unique<EventLoop::Impl>(&context);
    return std::unique_ptr<EventLoop>(new EventLoop(std::move(impl)));
  }
};

inline asio::io_context& context_of(EventLoop& loop) { return EventLoopAccess::context_of(loop); }

}  // namespace postoffice
