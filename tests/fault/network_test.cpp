// The network between the daemon, PostgreSQL and the source: silence, resets, lost packets.
#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include "fault/network.hpp"
#include "fault/relay.hpp"
#include "fault/trouble.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

/// All traffic from the daemon to PostgreSQL and the source goes through these.
struct Wires {
  explicit Wires(Trouble& world, const Network* network = nullptr)
      : world(world),
        to_store(static_cast<std::uint16_t>(std::stoi(world.cluster.port())), {},
                 network ? network->listen_there() : -1),
        to_source(world.source->source_port(), {}, network ? network->listen_there() : -1) {
    const std::string host = network ? network->far_address() : "127.0.0.1";
    world.store = "host=" + host + " port=" + std::to_string(to_store.port()) +
                  " user=postoffice dbname=postgres";
    world.source_url = "http://" + host + ":" + std::to_string(to_source.port()) + "/objects/{id}";
  }
  // The daemon goes before its connections.
  ~Wires() { world.daemon.reset(); }

  Trouble& world;
  Relay to_store;
  Relay to_source;
};

bool source_open(const Trouble& world) {
  return world.daemon->page("/status").body.find("\"source_open\":true") != std::string::npos;
}

/// How long until the daemon has noticed that its store is out of reach.
std::chrono::milliseconds time_to_notice(const Trouble& world) {
  const auto begun = Clock::now();
  CHECK(world.noticed(30s));
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
}

}  // namespace

TEST_CASE_FIXTURE(Trouble, "silent connections are given up, reset ones replaced (S9)") {
  Wires wires(*this);
  begin();
  const int rounds = trials(1);
  for (int round = 0; round < rounds; ++round) {
    wires.to_store.go_silent();
    const auto time = time_to_notice(*this);
    std::printf("half-open to PostgreSQL: noticed after %.1f s\n",
                std::chrono::duration<double>(time).count());
    CHECK(daemon->page("/readyz").status == 200);
    wires.to_store.speak_to_new_ones();
    check_heals();

    wires.to_source.go_silent();
    CHECK(eventually([&] { return source_open(*this); }));
    CHECK(up());
    wires.to_source.speak_to_new_ones();
    check_heals();

    const auto failures = daemon->status("store_failures");
    const auto until = Clock::now() + 2s;
    for (; Clock::now() < until; std::this_thread::sleep_for(30ms)) {  // the pace of the resets
      wires.to_store.reset_all();
      wires.to_source.reset_all();
    }
    CHECK(daemon->status("store_failures") > failures);
    check_heals();
  }
  end("silence and resets");
}

TEST_CASE_FIXTURE(Trouble, "packets that get lost, to store and source, are noticed (S9)") {
  const Network network;
  if (!network.usable()) {
    return skip("no network namespace can be made here (root and iproute2?)");
  }
  Wires wires(*this, &network);
  begin();
  const int rounds = trials(1);
  for (int round = 0; round < rounds; ++round) {
    REQUIRE(network.drop_packets());
    const auto time = time_to_notice(*this);
    std::printf("packets lost: noticed after %.1f s\n",
                std::chrono::duration<double>(time).count());
    CHECK(eventually([&] { return source_open(*this); }));
    CHECK(daemon->page("/readyz").status == 200);
    REQUIRE(network.deliver_packets());
    check_heals();
  }
  end("packets lost");
}
