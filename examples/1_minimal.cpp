// The same as 0_office, put together from the default parts: callbacks come in over HTTP, wait in a
// file queue, are looked up at http://localhost:9010/objects/<id> and end up in an SQLite file.
#include <cstdio>

#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/defaults/sqlite_object_store.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"

int main(int count, char** arguments) {
  postoffice::EventLoop loop;
  postoffice::SystemClock clock(loop);
  const auto queue = postoffice::FileQueue::open({.directory = "queue"}, clock);
  if (!queue) return std::printf("queue: %s\n", queue.error().text().c_str()), 1;
  postoffice::HttpIngress ingress({.listen = count > 1 ? arguments[1] : "localhost:9090"});
  postoffice::HttpObjectSource source(loop, {.url = "http://localhost:9010/objects/{id}"});
  postoffice::SqliteObjectStore store({.path = "objects.db"});
  postoffice::Pipeline pipeline({clock, ingress, **queue, source, store});

  loop.start();
  if (const auto error = pipeline.start()) return std::printf("%s\n", error.message().c_str()), 1;
  std::printf("accepting callbacks on port %u; Enter stops\n", unsigned{ingress.port()});
  std::getchar();

  pipeline.stop_and_wait();
  loop.stop();
  std::printf("stopped\n");
}
