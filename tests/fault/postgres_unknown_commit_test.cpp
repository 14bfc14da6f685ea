// The connection ends between a COMMIT and its answer. The daemon cannot know whether it succeeded,
// and applies the same changes again, which must change nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>

#include "fault/relay.hpp"
#include "fault/trouble.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Cuts connections to PostgreSQL at the worst moments.
class Cutter {
 public:
  explicit Cutter(unsigned seed) : random_(seed) {}

  bool operator()(const Wire& wire, const char* bytes, std::size_t size) {
    // A Sync ends a transaction of the pipeline: with it goes the COMMIT.
    constexpr std::string_view sync{"S\0\0\0\4", 5};
    if (!cutting_ || !std::string_view(bytes, size).ends_with(sync)) {
      return wire.to_server(bytes, size);
    }
    switch (random(16)) {
      case 0: return swallow_answer(wire, bytes, size);
      case 1: return leave_at_once(wire, bytes, size);
      case 2: return send_half(wire, bytes, size);
      default: return wire.to_server(bytes, size);
    }
  }

  void cut(bool on) { cutting_ = on; }
  int committed() const { return committed_; }
  int others() const { return others_; }

 private:
  // The server commits, but its answer is dropped.
  bool swallow_answer(const Wire& wire, const char* bytes, std::size_t size) {
    constexpr std::string_view ready_again{"Z\0\0\0\5I", 6};
    wire.to_server(bytes, size);
    std::string answer;
    char piece[16 * 1024];
    pollfd wait{wire.server, POLLIN, 0};
    while (answer.find(ready_again) == std::string::npos && poll(&wait, 1, 2'000) > 0) {
      const ssize_t got = recv(wire.server, piece, sizeof piece, 0);
      if (got <= 0) break;
      answer.append(piece, static_cast<std::size_t>(got));
    }
    ++(answer.find(ready_again) == std::string::npos ? others_ : committed_);
    Wire::reset_on_close(wire.client);
    return false;
  }

  // The server finds the request and the end of the connection together.
  bool leave_at_once(const Wire& wire, const char* bytes, std::size_t size) {
    ++others_;
    wire.to_server(bytes, size);
    return false;
  }

  bool send_half(const Wire& wire, const char* bytes, std::size_t size) {
    ++others_;
    wire.to_server(bytes, static_cast<std::size_t>(random(static_cast<unsigned>(size))));
    return false;
  }

  unsigned random(unsigned below) {
    const std::lock_guard lock(mutex_);
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }

  std::mutex mutex_;
  std::minstd_rand random_;
  std::atomic<bool> cutting_ = false;
  std::atomic<int> committed_ = 0;
  std::atomic<int> others_ = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Trouble, "commits whose answer is lost, many times (S1, S4, S5)") {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  CAPTURE(seed);
  Cutter cutter(seed);
  Relay relay(static_cast<std::uint16_t>(std::stoi(cluster.port())), std::ref(cutter));
  store =
      "host=127.0.0.1 port=" + std::to_string(relay.port()) + " user=postoffice dbname=postgres";
  begin();
  cutter.cut(true);
  const int wanted = trials(12);
  CHECK(
      eventually([&] { return cutter.committed() >= wanted; }, std::chrono::seconds(60 + wanted)));
  cutter.cut(false);
  check_heals();
  CHECK(daemon->status("store_failures") > static_cast<std::uint64_t>(wanted));
  end("commits done and unanswered: " + std::to_string(cutter.committed()) + ", other cuts " +
      std::to_string(cutter.others()));
  daemon.reset();  // before its way to the server goes
}
