// A source written as a coroutine. The interface is a plain function with a completion, so that a
// fake takes ten lines; a coroutine is started with co_spawn.
//
// Two rules keep coroutines safe: they are named functions, not lambdas with captures (a lambda may
// be gone when its coroutine resumes), and they take their parameters by value.
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "postoffice/asio_event_loop.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

namespace {

using postoffice::FetchResult;
using postoffice::ObjectId;

// Simulates two round trips to a slow service.
asio::awaitable<FetchResult> look_up(ObjectId id) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::milliseconds(10));
  co_await timer.async_wait(asio::use_awaitable);
  timer.expires_after(std::chrono::milliseconds(10 * id));
  co_await timer.async_wait(asio::use_awaitable);
  FetchResult result;
  result.id = id;
  result.online = id % 2 != 0;
  co_return result;
}

// fetch() must not throw: exceptions end here, as a failure that is tried again.
asio::awaitable<void> answer(ObjectId id, postoffice::ObjectSource::Done done) {
  FetchResult result;
  try {
    result = co_await look_up(id);
  } catch (const std::exception& error) {
    result.error = postoffice::Error::unavailable;
    result.reason = error.what();
  }
  done(std::move(result));
}

class CoroutineSource final : public postoffice::ObjectSource {
 public:
  explicit CoroutineSource(asio::io_context& context) : context_(context) {}

  void fetch(ObjectId id, std::chrono::milliseconds, Done done) override {
    asio::co_spawn(context_, answer(id, std::move(done)), asio::detached);
  }

 private:
  asio::io_context& context_;
};

}  // namespace

int main() {
  asio::io_context context;
  const auto work = asio::make_work_guard(context);
  const auto loop = postoffice::make_asio_event_loop(context);
  postoffice::SystemClock clock(*loop);
  CoroutineSource source(context);
  postoffice::testing::DirectIngress ingress;
  postoffice::testing::MemoryQueue queue(clock);
  postoffice::testing::MemoryStore store;
  postoffice::Pipeline pipeline({clock, ingress, queue, source, store});
  pipeline.start();
  std::thread thread([&] { context.run(); });

  ingress.send({3, 1, 2});
  while (pipeline.status().stored < 3) std::this_thread::sleep_for(std::chrono::milliseconds(5));

  pipeline.stop_and_wait();
  context.stop();
  thread.join();
  for (const auto& [id, object] : store.objects()) {
    std::printf("%lld %s\n", static_cast<long long>(id), object.online ? "online" : "offline");
  }
}
