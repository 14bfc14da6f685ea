// Opt-in: put the default parts on your own asio::io_context. The only public header that names a
// third-party type.
#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "postoffice/defaults/event_loop.hpp"

namespace postoffice {

/// A loop that runs on `context`. You run the context, on one thread at a time; it must outlive the
/// loop, and everything built on the loop must be destroyed before it.
std::unique_ptr<EventLoop> make_asio_event_loop(asio::io_context& context);

}  // namespace postoffice
