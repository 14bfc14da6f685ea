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

}  // namespace

TEST_CASE("S10: restarts lose no connection that is new for each callback") {
  const TemporaryDirectory directory;
  const PassedSocket socket;
  Load load(socket.port(), 16, false);
  restart_under(load, socket, directory.path(), 10'000 * trials(), 10);
  MESSAGE("accepted: " << load.accepted());
  CHECK(load.failed() == 0);
}

TEST_CASE("S10: restarts lose no callback on a connection that is kept") {
  const TemporaryDirectory directory;
  const PassedSocket socket;
  Load load(socket.port(), 16, true);
  restart_under(load, socket, directory.path(), 10'000 * trials(), 10);
  MESSAGE("accepted: " << load.accepted());
  CHECK(load.failed() == 0);
}
