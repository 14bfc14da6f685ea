// The default parts on an asio::io_context that you own and run, next to your own work. Here the
// source is a web server on the same context, and your own work is a timer that looks at progress.
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "http/server/http_server.hpp"
#include "postoffice/asio_event_loop.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

namespace {

void answer(const postoffice::HttpRequest& request,
            const postoffice::HttpServer::Respond& respond) {
  const auto id = request.path.substr(request.path.rfind('/') + 1);
  postoffice::HttpResponse response;
  response.body = "{\"id\":" + id + ",\"online\":true}";
  respond(response);
}

// Checks every few milliseconds; stops everything once three objects are stored.
class Watcher {
 public:
  Watcher(asio::io_context& context, postoffice::Pipeline& pipeline)
      : timer_(context), context_(context), pipeline_(pipeline) {}

  void look() {
    timer_.expires_after(std::chrono::milliseconds(5));
    timer_.async_wait([this](std::error_code) {
      if (pipeline_.status().stored < 3) return look();
      pipeline_.stop([this] { context_.stop(); });
    });
  }

 private:
  asio::steady_timer timer_;
  asio::io_context& context_;
  postoffice::Pipeline& pipeline_;
};

}  // namespace

int main() {
  asio::io_context context;
  const auto loop = postoffice::make_asio_event_loop(context);
  postoffice::SystemClock clock(*loop);
  postoffice::HttpServer server(*loop, {.listen = "localhost:0"}, answer);
  if (const auto error = server.start()) return std::printf("%s\n", error.message().c_str()), 1;
  const auto url = "http://localhost:" + std::to_string(server.port()) + "/objects/{id}";
  postoffice::HttpObjectSource source(*loop, {.url = url});
  postoffice::testing::DirectIngress ingress;
  postoffice::testing::MemoryQueue queue(clock);
  postoffice::testing::MemoryStore store;
  postoffice::Pipeline pipeline({clock, ingress, queue, source, store});
  pipeline.start();
  ingress.send({1, 2, 3});

  Watcher watcher(context, pipeline);
  watcher.look();
  context.run();
  std::printf("%zu objects stored, one io_context\n", store.objects().size());
}
