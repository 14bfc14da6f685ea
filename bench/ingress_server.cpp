// The ingress alone: every callback is accepted at once, nothing is stored. With a directory it is
// accepted by a file queue there, and so durable; what is read is acknowledged and forgotten.
// Usage: ingress_server HOST:PORT [THREADS [DIRECTORY [MICROSECONDS ADDED TO EACH FLUSH]]]
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "journal/journal_queue.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_ingress.hpp"
#include "postoffice/defaults/system_clock.hpp"

namespace {

void read_on(postoffice::Queue& queue) {
  queue.read(8'192, [&queue](std::error_code error, const postoffice::Delivery& delivery) {
    if (error) return;
    queue.acknowledge(delivery.entries.back().sequence);
    read_on(queue);
  });
}

}  // namespace

int main(int argc, char** argv) {
  postoffice::HttpIngressOptions options;
  if (argc > 1) options.listen = argv[1];
  if (argc > 2) options.threads = static_cast<std::size_t>(std::atoi(argv[2]));
  postoffice::HttpIngress ingress(options);
  postoffice::EventLoop loop;
  postoffice::SystemClock clock(loop);
  std::unique_ptr<postoffice::FileQueue> queue;
  std::error_code error;
  if (argc > 3) {
    postoffice::journal::Workers workers;
    if (argc > 4) workers.flush_delay = std::chrono::microseconds(std::atol(argv[4]));
    auto opened = postoffice::journal::JournalQueue::open(
        postoffice::journal::posix_file_system(), {.directory = argv[3]}, clock, {}, workers);
    if (opened)
      read_on(*(queue = *std::move(opened)));
    else
      error = opened.error().code;
  }
  if (!error) {
    error = ingress.start(
        [&queue](std::span<const postoffice::ObjectId> ids, postoffice::Queue::AppendDone done) {
          if (queue) return queue->append(ids, std::nullopt, std::move(done));
          done({}, postoffice::Receipt{1, 1, {}});
        });
  }
  if (error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 69;
  }
  while (true) ::pause();
}
