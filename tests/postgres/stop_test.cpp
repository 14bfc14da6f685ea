// How the PostgreSQL store ends: beside a server, and while one does not answer.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "conformance/store_harness.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/postgres_object_store.hpp"
#include "support/postgres.hpp"

namespace postoffice {
namespace {

using conformance::Done;

class PostgresHarness : public conformance::StoreHarness<PostgresObjectStore> {
 public:
  static constexpr bool ends_inside = true;

  ~PostgresHarness() { end(); }  // before the loop

  void begin() { hold(std::make_unique<PostgresObjectStore>(loop_, options_)); }

  std::vector<conformance::Call> calls() {
    auto calls = StoreHarness::calls();
    calls.push_back([this](const Done& done) { store->leave({}, done); });
    calls.push_back([this](const Done& done) { store->remove_publisher(1, done); });
    return calls;
  }

 protected:
  explicit PostgresHarness(std::string conninfo) {
    options_.conninfo = std::move(conninfo);
    loop_.start();
    begin();
  }

 private:
  EventLoop loop_;
  PostgresObjectStoreOptions options_;
};

struct Schema {
  testing::PostgresSchema schema;
};

struct ServerHarness : private Schema, PostgresHarness {
  ServerHarness() : PostgresHarness(schema.conninfo()) {}
};

/// Connections to it are established, and nothing follows.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const auto place = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket_, place, size) == 0);
    REQUIRE(::listen(socket_, 100) == 0);
    REQUIRE(::getsockname(socket_, place, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  std::string conninfo() const { return "host=127.0.0.1 user=a port=" + std::to_string(port_); }

 private:
  const int socket_;
  int port_ = 0;
};

struct Silent {
  SilentServer server;
};

struct SilentHarness : private Silent, PostgresHarness {
  SilentHarness() : PostgresHarness(server.conninfo()) {}
  void wait(const Done& done) { calls().front()(done); }
};

}  // namespace

TEST_CASE_TEMPLATE_INVOKE(conformance::stop_contract, ServerHarness);

TEST_CASE("a store destroyed while a server does not answer ends what waits") {
  conformance::check_end_of_waiting_calls<SilentHarness>();
}

}  // namespace postoffice
