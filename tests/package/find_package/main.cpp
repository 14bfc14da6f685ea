// Embeds the pipeline: callbacks through a file queue, fakes for the rest.
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include <postoffice/defaults/file_queue.hpp>
#include <postoffice/defaults/system_clock.hpp>
#include <postoffice/office.hpp>
#include <postoffice/postoffice.hpp>
#include <postoffice/testing/direct_ingress.hpp>
#include <postoffice/testing/fake_source.hpp>
#include <postoffice/testing/memory_store.hpp>

#ifdef WITH_SQLITE
#include <postoffice/defaults/sqlite_object_store.hpp>
#endif

#ifdef WITH_RABBITMQ
#include <postoffice/defaults/rabbit_queue.hpp>
#endif

int main() {
  const auto directory = std::filesystem::current_path() / "consumer-queue";
  std::filesystem::remove_all(directory);
  postoffice::EventLoop loop;
  postoffice::SystemClock clock(loop);
  const auto queue = postoffice::FileQueue::open({directory.string()}, clock);
  if (!queue) return std::printf("%s\n", queue.error().text().c_str()), 1;
  postoffice::testing::DirectIngress ingress;
  postoffice::testing::FakeSource source;
  postoffice::testing::MemoryStore store;
  postoffice::Pipeline pipeline({clock, ingress, **queue, source, store});
  loop.start();
  if (pipeline.start()) return 1;
  ingress.send({1, 2, 3});

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (pipeline.status().stored < 3 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pipeline.stop_and_wait();
  loop.stop();

  {
    postoffice::Office office({.listen = "nowhere"});
    if (!office.start()) return 1;
  }
#ifdef WITH_SQLITE
  const auto file = std::filesystem::current_path() / "consumer.db";
  if (const auto failure = postoffice::migrate_sqlite(file.string()))
    return std::puts(failure.message.c_str()), 1;
#endif
#ifdef WITH_RABBITMQ
  {  // A broker need not be there.
    const postoffice::RabbitPublisher publisher({.url = "amqp://127.0.0.1:1"}, clock);
    if (publisher.status().connected) return 1;
  }
#endif
  std::printf("postoffice %s stored %zu objects\n", postoffice::version(), store.objects().size());
  return store.objects().size() == 3 ? 0 : 1;
}
