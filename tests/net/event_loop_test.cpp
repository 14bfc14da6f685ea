#include "postoffice/defaults/event_loop.hpp"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <thread>

#include "postoffice/asio_event_loop.hpp"

using namespace postoffice;

TEST_CASE("everything posted runs on one thread, which is not the caller's") {
  EventLoop loop;
  loop.start();
  std::promise<std::thread::id> first, second;
  loop.post([&] { first.set_value(std::this_thread::get_id()); });
  loop.post([&] { second.set_value(std::this_thread::get_id()); });
  const auto thread = first.get_future().get();
  CHECK(thread == second.get_future().get());
  CHECK(thread != std::this_thread::get_id());
}

TEST_CASE("a loop can be stopped twice, and before it was started") {
  EventLoop loop;
  loop.stop();
  loop.start();
  loop.stop();
  loop.stop();
}

TEST_CASE("a loop on somebody's io_context runs when that is run, and not by itself") {
  asio::io_context context;
  const auto loop = make_asio_event_loop(context);
  bool ran = false;
  loop->post([&] { ran = true; });
  loop->start();
  CHECK_FALSE(ran);
  context.run();
  CHECK(ran);
}
