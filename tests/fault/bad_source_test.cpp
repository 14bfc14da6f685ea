// A source that gives every kind of wrong answer, in random order, to the real daemon.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>
#include <random>

#include "fault/bad_answers.hpp"
#include "fault/source_trouble.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

class BadSource {
 public:
  explicit BadSource(unsigned seed) : seed_(seed), server_([this](Peer& peer) { serve(peer); }) {}

  enum class Mood { mixed, bad, healthy };
  void set(Mood mood) { mood_ = mood; }
  std::string url() const { return server_.url(); }

  /// Names of what was never done.
  std::string untried() const {
    std::string names;
    for (std::size_t i = 0; i < std::size(bad_answers); ++i) {
      if (given_[i] == 0) names += std::string(bad_answers[i].name) + "; ";
    }
    return names;
  }
  long given() const {
    long all = closed_at_accept_;
    for (const auto& count : given_) all += count;
    return all;
  }

 private:
  void serve(Peer& peer) {
    std::minstd_rand random(seed_ + static_cast<unsigned>(peer.number));
    if (mood_ != Mood::healthy && random() % 20 == 0) {
      ++closed_at_accept_;
      if (random() % 2 == 0) peer.reset_on_close();
      return;
    }
    for (std::int64_t id = 0; peer.request_id(id);) {
      if (!answer(peer, id, random)) return;
    }
  }

  bool answer(Peer& peer, std::int64_t id, std::minstd_rand& random) {
    const bool bad = mood_ == Mood::bad || (mood_ == Mood::mixed && random() % 3 != 0);
    if (!bad) return odd_answers[random() % std::size(odd_answers)].give(peer, id);
    const std::size_t chosen = random() % std::size(bad_answers);
    ++given_[chosen];
    return bad_answers[chosen].give(peer, id);
  }

  const unsigned seed_;
  std::atomic<Mood> mood_ = Mood::mixed;
  std::atomic<long> closed_at_accept_ = 0;
  std::array<std::atomic<long>, std::size(bad_answers)> given_{};
  ScriptedServer server_;
};

}  // namespace

TEST_CASE_FIXTURE(SourceTrouble, "a source that does everything wrong (S3, S5, S7, S9)") {
  const unsigned seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  CAPTURE(seed);
  BadSource source(seed);
  start_daemon(source.url(), {"--fetch-concurrency", "128", "--fetch-timeout", "500ms"});
  send("60", "20");
  const auto memory_before = memory();
  std::uint64_t memory_most = 0;
  const auto look = [&](std::chrono::seconds time) {
    eventually(
        [&] {
          memory_most = std::max(memory_most, memory());
          CHECK(broken_identity(daemon->page("/metrics").body) == "");
          return false;
        },
        time);
  };
  for (int round = trials(1); round > 0; --round) {
    source.set(BadSource::Mood::mixed);
    look(5s);
    source.set(BadSource::Mood::bad);
    look(1s);
  }
  CHECK(source.untried() == "");
  source.set(BadSource::Mood::healthy);
  stop_sending();
  REQUIRE(eventually([&] { return daemon->status("pending") == 0; }, 60s));
  CHECK(broken_identity(daemon->page("/metrics").body) == "");
  check_rows();
  CHECK(daemon->status("dead") == 0);
  CHECK(memory_most < memory_before + (64u << 20));
  std::printf(
      "source: %ld bad answers of %zu kinds, %llu failed fetches, memory %llu -> %llu MiB\n",
      source.given(), std::size(bad_answers),
      static_cast<unsigned long long>(daemon->status("fetch_failures")),
      static_cast<unsigned long long>(memory_before >> 20),
      static_cast<unsigned long long>(memory_most >> 20));
  daemon.reset();  // before its source
}
