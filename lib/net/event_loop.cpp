#include "postoffice/defaults/event_loop.hpp"

#include <asio/post.hpp>
#include <utility>

#include "base/thread.hpp"
#include "net/loop_impl.hpp"
#include "postoffice/asio_event_loop.hpp"

namespace postoffice {

EventLoop::EventLoop() : EventLoop(std::make_unique<Impl>(nullptr)) {}

EventLoop::EventLoop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EventLoop::~EventLoop() { stop(); }

void EventLoop::start() {
  if (!impl_->own || impl_->thread.joinable()) return;
  impl_->work.emplace(impl_->context.get_executor());
  impl_->thread = std::thread([this] {
    name_this_thread("event-loop");
    impl_->context.run();
  });
}

void EventLoop::stop() {
  if (!impl_->own) return;
  impl_->work.reset();
  impl_->context.stop();
  if (impl_->thread.joinable() && impl_->thread.get_id() != std::this_thread::get_id()) {
    impl_->thread.join();
  }
}

void EventLoop::post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

std::unique_ptr<EventLoop> make_asio_event_loop(asio::io_context& context) {
  return EventLoopAccess::join(context);
}

}  // namespace postoffice
