// A source of your own: your own way to look up objects. This one is a table in memory; the other
// parts are the library's fakes for tests, so the program needs neither network nor disk.
#include <chrono>
#include <cstdio>
#include <map>
#include <thread>

#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/memory_queue.hpp"
#include "postoffice/testing/memory_store.hpp"

namespace {

class Table final : public postoffice::ObjectSource {
 public:
  // It may answer at once, within this call, or later from any thread.
  void fetch(postoffice::ObjectId id, std::chrono::milliseconds, Done done) override {
    postoffice::FetchResult result;
    const auto found = online_.find(id);
    if (found == online_.end()) {
      result.error = postoffice::Error::not_found;  // an answer, too: it is not tried again
    } else {
      result.id = id;
      result.online = found->second;
    }
    done(result);
  }

 private:
  std::map<postoffice::ObjectId, bool> online_{{1, true}, {2, false}, {3, true}};
};

}  // namespace

int main() {
  postoffice::EventLoop loop;
  postoffice::SystemClock clock(loop);
  postoffice::testing::DirectIngress ingress;
  postoffice::testing::MemoryQueue queue(clock);
  postoffice::testing::MemoryStore store;
  Table source;
  postoffice::Pipeline pipeline({clock, ingress, queue, source, store});
  loop.start();
  pipeline.start();

  ingress.send({1, 2, 3, 4});
  while (pipeline.status().stored < 3 || pipeline.status().not_found < 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }

  pipeline.stop_and_wait();
  loop.stop();
  for (const auto& [id, object] : store.objects()) {
    std::printf("%lld %s\n", static_cast<long long>(id), object.online ? "online" : "offline");
  }
}
