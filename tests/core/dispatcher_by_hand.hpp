// The dispatcher alone, between parts that a test plays.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/dispatcher.hpp"
#include "postoffice/error.hpp"

namespace postoffice::core {

using namespace std::chrono_literals;

/// Plays the parts by hand: what the dispatcher orders is kept until the test says how it ends.
struct DispatcherByHand {
  explicit DispatcherByHand(PipelineOptions options = {.fetch_concurrency = 100})
      : dispatcher(options, 42) {}

  Dispatcher dispatcher;
  Timestamp now{1h};
  Sequence sequence = 0;
  Sequence acknowledged = 0;
  Sequence crowded = 0;
  bool reading = true;
  std::deque<FetchOrder> fetches;
  std::deque<ApplyOrder> applies;
  std::deque<RequeueOrder> requeues;
  std::deque<Expiry> expiries;

  void act() {
    Actions actions = dispatcher.act(now, now, Timestamp::max(), crowded);
    for (auto& fetch : actions.fetches) fetches.push_back(fetch);
    for (auto& apply : actions.applies) applies.push_back(std::move(apply));
    for (auto& order : actions.requeues) requeues.push_back(std::move(order));
    if (actions.expire) expiries.push_back(std::move(*actions.expire));
    reading = actions.read;
    if (actions.acknowledge) acknowledged = *actions.acknowledge;
    check_identity();
  }
  void check_identity() const {
    const Counters& c = dispatcher.counters();
    REQUIRE(c.delivered == c.stored + c.merged + c.not_found + c.expired + c.dead + c.pending);
  }
  void advance(Duration span) {
    now += span;
    act();
  }
  void receive(std::vector<ObjectId> ids) {
    Delivery delivery;
    delivery.ids = std::move(ids);
    delivery.entries.push_back(
        {++sequence, now, 0, static_cast<std::uint32_t>(delivery.ids.size()), false});
    dispatcher.delivered(delivery, now);
    act();
  }
  void deliver_requeued(const RequeueOrder& order) {
    Delivery delivery;
    delivery.ids = order.ids;
    delivery.entries.push_back(
        {++sequence, order.received_at, 0, static_cast<std::uint32_t>(order.ids.size()), true});
    dispatcher.requeued(order.token, {}, sequence, now);
    dispatcher.delivered(delivery, now);
    act();
  }
  FetchOrder next_fetch() {
    REQUIRE_FALSE(fetches.empty());
    const FetchOrder fetch = fetches.front();
    fetches.pop_front();
    return fetch;
  }
  void answer(const FetchOrder& fetch, bool online = true) {
    dispatcher.fetched(fetch.token, {{}, fetch.id, online, {}, {}}, now);
    act();
  }
  void fail(const FetchOrder& fetch, Error error = Error::unavailable) {
    dispatcher.fetched(fetch.token, {error, 0, false, {}, "no luck"}, now);
    act();
  }
  /// Ends the transaction that began first.
  Changes commit(Applied applied = {}, std::error_code error = {}) {
    REQUIRE_FALSE(applies.empty());
    ApplyOrder order = std::move(applies.front());
    applies.pop_front();
    dispatcher.applied(order.token, error, applied, now);
    act();
    return std::move(order.changes);
  }
  /// Lets everything that is under way succeed.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      while (!fetches.empty()) answer(next_fetch());
      advance(100ms);
      while (!applies.empty()) commit();
      while (!expiries.empty()) delete_expired(0);
    }
  }
  /// Time goes by with a store that works and a source that is silent.
  void store_for(Duration span) {
    for (const auto end = now + span; now < end;) {
      advance(100ms);
      while (!applies.empty()) commit();
      while (!expiries.empty()) delete_expired(0);
    }
  }
  void delete_expired(std::uint64_t deleted) {
    expiries.pop_front();
    dispatcher.expired({}, {.deleted = deleted, .oldest_left = {}}, now);
    act();
  }
  /// Fails every try of everything until nothing is in flight.
  void fail_all() {
    while (!fetches.empty()) fail(next_fetch());
  }
  const Counters& counters() const { return dispatcher.counters(); }
};

}  // namespace postoffice::core
