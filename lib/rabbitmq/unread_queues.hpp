// What a publisher learns of its queues by asking: whether anybody consumes them, and
// whether what it published is still there. No threads, no broker and no clock in here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace postoffice::rabbitmq {

/// When each shard gets its next tick. Where nobody consumes they come ever more slowly: nobody
/// hears them, and they would fill the queue. As soon as somebody consumes, the next one is due.
class TickPace {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds slowest{60'000};
  static constexpr std::chrono::milliseconds slowest_hopeful{4'000};

  TickPace(std::size_t shards, std::chrono::milliseconds tick) : tick_(tick), shards_(shards) {}

  /// A new connection: all are due, and nothing is known of consumers.
  void begin(SteadyTime now);

  void consumed(std::size_t shard, bool by_somebody, SteadyTime now);
  bool due(std::size_t shard, SteadyTime now) const { return now >= shards_[shard].next; }
  /// One was sent. `hopeful`: its confirm is waited for, so the next comes in seconds at most.
  void ticked(std::size_t shard, SteadyTime now, bool hopeful);
  /// Those that get a tick now, or `all`; they count as ticked. `all` is hopeful.
  std::vector<std::size_t> round(bool all, SteadyTime now);
  SteadyTime next() const;

 private:
  struct Shard {
    bool consumed = true;
    std::chrono::milliseconds pause{0};
    SteadyTime next{};
  };

  const std::chrono::milliseconds tick_;
  std::vector<Shard> shards_;
};

/// Compares what is in the queues with what was there and what has been added, while nobody
/// consumes them: then nothing may disappear. What does was dropped by a policy, or taken by a
/// stranger.
///
/// From one look at all queues to the next, `sum now >= sum before + confirmed between - under way
/// before`, as long as nobody consumes. A consumer may have come and gone between two looks, so one
/// breach is not believed; two without a consumer in sight are.
class UnreadQueues {
 public:
  struct Look {
    bool consumed = false;        ///< any of the queues has a consumer
    std::uint64_t messages = 0;   ///< in all of them
    std::uint64_t confirmed = 0;  ///< to us since the start, when the questions were put
    std::uint64_t under_way = 0;  ///< sent, and neither confirmed nor refused then
  };

  /// How many more messages are lost than was known before.
  std::uint64_t look(const Look& look);

 private:
  bool looked_ = false;
  Look before_;
  int breaches_ = 0;
  std::uint64_t doubtful_ = 0;
};

}  // namespace postoffice::rabbitmq
