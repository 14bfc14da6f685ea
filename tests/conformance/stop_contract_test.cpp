// The stop contract of the parts that need no server.
#include "conformance/stop_contract.hpp"

#include <memory>
#include <thread>

#include "http/client/scripted_server.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/http_object_source.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "support/temporary_directory.hpp"

namespace postoffice {
namespace {

using conformance::Call;
using conformance::Done;
using namespace std::chrono_literals;

struct FileQueueHarness {
  static constexpr bool ends_inside = false;

  FileQueueHarness() { begin(); }
  void begin() {
    FileQueueOptions options;
    options.directory = directory.path();
    options.segment_bytes = 64 << 10;
    auto opened = FileQueue::open(options, clock);
    REQUIRE_MESSAGE(opened, opened.error().text());
    owner = *std::move(opened);
    queue = owner.get();
  }
  std::vector<Call> calls() {
    const auto append = [this](std::optional<Timestamp> carried_from) {
      return [this, carried_from](Done done) {
        queue->append(std::vector<ObjectId>{1, 2, 3}, carried_from,
                      [done](std::error_code error, const Receipt&) { done(error); });
      };
    };
    return {append(std::nullopt), append(Timestamp{})};
  }
  void wait(Done done) {
    queue->read(10, [done](std::error_code error, const Delivery&) { done(error); });
  }
  void end() { owner.reset(); }

  testing::TemporaryDirectory directory;
  testing::ManualClock clock;
  std::unique_ptr<FileQueue> owner;
  FileQueue* queue = nullptr;  // also while it is destroyed
};

struct HttpSourceHarness {
  static constexpr bool ends_inside = true;
  static constexpr ObjectId silent_id = 999;

  static void serve(testing::Peer& peer) {
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (id == silent_id) return peer.wait_for_close();
      peer.answer(id);
    }
  }

  HttpSourceHarness() {
    loop.start();
    begin();
  }
  void begin() {
    HttpObjectSourceOptions options;
    options.url = server.url();
    owner = std::make_unique<HttpObjectSource>(loop, options);
    source = owner.get();
  }
  void fetch(ObjectId id, Done done) {
    source->fetch(id, 30s, [done](const FetchResult& result) { done(result.error); });
  }
  std::vector<Call> calls() {
    return {[this](Done done) { fetch(1, done); }, [this](Done done) { fetch(2, done); }};
  }
  void wait(Done done) { fetch(silent_id, done); }
  void end() { owner.reset(); }

  testing::ScriptedServer server{serve};
  EventLoop loop;
  std::unique_ptr<HttpObjectSource> owner;
  HttpObjectSource* source = nullptr;
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(conformance::stop_contract, FileQueueHarness, HttpSourceHarness);

}  // namespace postoffice
