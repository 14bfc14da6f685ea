// The network between publisher, consumers and broker: lost packets, silence, resets.
#include <doctest/doctest.h>

#include "fault/network.hpp"
#include "fault/relay.hpp"
#include "rabbitmq/broker_load.hpp"
#include "support/skip.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

std::uint16_t broker_port() {
  const std::string url = rabbit_url();
  return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

std::string url_of(const std::string& host, const Relay& relay) {
  return "amqp://guest:guest@" + host + ":" + std::to_string(relay.port());
}

/// Cuts the wire while callbacks come, and mends it: refusals in time, then all goes on.
template <typename Cut, typename Mend>
void survive(Installation& all, ObjectId first, Cut cut, Mend mend) {
  Flood flood(*all.publisher, first);
  REQUIRE(grows(flood, 2'001));
  cut();
  REQUIRE(within(10s, [&] { return flood.refused() > 100; }));
  mend();
  REQUIRE(within(30s, [&] { return all.publisher->status().connected; }));
  REQUIRE(grows(flood, 2'001));
  flood.stop();
  CHECK(within(30s, [&] { return all.arrives(flood); }));
  CHECK(flood.slowest() < 1'000ms);
}

}  // namespace

TEST_CASE(
    "lost packets between us and the broker: refused in time, nothing accepted lost (S1, S9)") {
  const Network network;
  if (!network.usable()) {
    return skip("no network namespace can be made here (root and iproute2?)");
  }
  Relay relay(broker_port(), {}, network.listen_there());
  Installation all(3, url_of(network.far_address(), relay));
  survive(
      all, 0, [&] { REQUIRE(network.drop_packets()); },
      [&] {
        // Long enough for the consumers to give up, too.
        std::this_thread::sleep_for(8s);
        REQUIRE(network.deliver_packets());
      });
  for (const auto& reader : all.readers) CHECK(reader->queue().details().connects >= 2);
}

TEST_CASE("connections that fall silent are replaced, and so are those that are reset (S9)") {
  Relay relay(broker_port());
  Installation all(3, url_of("127.0.0.1", relay));
  survive(
      all, 0, [&] { relay.go_silent(); }, [&] { relay.speak_to_new_ones(); });
  survive(
      all, 1'000'000, [&] { relay.go_silent(); },
      [&] {
        relay.speak();
        relay.reset_all();
      });
}
