// S10: a restart under load refuses no connection. The service manager owns the socket and keeps it
// open; accepted connections are answered, the others are left to the next process.
#include <algorithm>

#include "field/proxies/restarts.hpp"

using namespace postoffice::testing;

namespace {

// POSTOFFICE_TRIALS=10 for a hundred thousand callbacks.
long trials() {
  const char* text = std::getenv("POSTOFFICE_TRIALS");
  return text ? std::max(1L, std::atol(text)) : 1;
}

/// What a socket unit of ours calls its socket.
std::string name_in(const std::string& unit) {
  const auto text = content_of(std::string(SYSTEMD_UNITS) + "/" + unit);
  const std::string key = "\nFileDescriptorName=";
  const auto begin = text.find(key);
  REQUIRE(begin != std::string::npos);
  const auto end = text.find('\n', begin + 1);
  return text.substr(begin + key.size(), end - begin - key.size());
}

/// Connects again and again, and waits for nothing.
class Visitor {
 public:
  explicit Visitor(std::uint16_t port)
      : thread_([=, this] {
          while (!stop_) {
            visit(port);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // its pace
          }
        }) {}
  ~Visitor() { end(); }

  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  long connected() const { return connected_; }
  long refused() const { return refused_; }

 private:
  void visit(std::uint16_t port) {
    try {
      const test::HttpClient client(port);
      ++connected_;
    } catch (const std::exception&) {
      ++refused_;
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<long> connected_{0};
  std::atomic<long> refused_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("S10: restarts lose no connection that is new for each callback") {
  const TemporaryDirectory directory;
  const PassedSocket socket;
  Load load(socket.port(), 16, false);
  restart_under(load, socket.pass(), directory.path(), 10'000 * trials(), 10);
  MESSAGE("accepted: " << load.accepted());
  CHECK(load.failed() == 0);
}

TEST_CASE("S10: restarts lose no callback on a connection that is kept") {
  const TemporaryDirectory directory;
  const PassedSocket socket;
  Load load(socket.port(), 16, true);
  restart_under(load, socket.pass(), directory.path(), 10'000 * trials(), 10);
  MESSAGE("accepted: " << load.accepted());
  CHECK(load.failed() == 0);
}

TEST_CASE("S10: restarts refuse no connection on the sockets of the units") {
  const TemporaryDirectory directory;
  const PassedSocket callback;
  const PassedSocket admin;
  const auto pass =
      pass_sockets({callback.descriptor(), admin.descriptor()},
                   name_in("postofficed.socket") + ":" + name_in("postofficed-admin.socket"));
  Visitor visitor(admin.port());
  Load load(callback.port(), 16, false);
  restart_under(load, pass, directory.path(), 3'000 * trials(), 5);
  visitor.end();
  CHECK(load.failed() == 0);
  CHECK(visitor.refused() == 0);
  CHECK(visitor.connected() > 0);
}
