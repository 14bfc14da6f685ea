// Calls of an ObjectStore that wait for their completion.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "postoffice/object_reader.hpp"

namespace postoffice::testing {

inline constexpr std::chrono::seconds call_deadline{30};

template <typename Value>
struct Outcome {
  std::error_code error;
  Value value{};
};

/// Starts a call through `start(done)`; the future gives what `done` got.
template <typename Value, typename Start>
std::future<Outcome<Value>> begin_call(Start start) {
  auto promise = std::make_shared<std::promise<Outcome<Value>>>();
  auto future = promise->get_future();
  start([promise](std::error_code error, Value value) {
    promise->set_value({error, std::move(value)});
  });
  return future;
}

template <typename Value>
Outcome<Value> finish_call(std::future<Outcome<Value>>& future) {
  REQUIRE_MESSAGE(future.wait_for(call_deadline) == std::future_status::ready,
                  "a call of the store did not complete");
  return future.get();
}

inline std::future<Outcome<Applied>> begin_apply(ObjectStore& store, Changes changes) {
  return begin_call<Applied>([&](auto done) { store.apply(std::move(changes), done); });
}

inline Outcome<Applied> try_apply(ObjectStore& store, Changes changes) {
  auto future = begin_apply(store, std::move(changes));
  return finish_call(future);
}

/// What the pipeline does: the same changes again until they are known to be applied.
inline Applied apply_until_done(ObjectStore& store, const Changes& changes) {
  const auto deadline = std::chrono::steady_clock::now() + call_deadline;
  for (;;) {
    auto outcome = try_apply(store, changes);
    if (!outcome.error) return outcome.value;
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, outcome.error.message());
  }
}

template <typename Value>
Value without_error(Outcome<Value> outcome) {
  REQUIRE_MESSAGE(!outcome.error, outcome.error.message());
  return std::move(outcome.value);
}

inline Applied apply(ObjectStore& store, Changes changes) {
  return without_error(try_apply(store, std::move(changes)));
}

inline Outcome<Expired> try_expire(ObjectStore& store, Expiry expiry) {
  auto future = begin_call<Expired>([&](auto done) { store.expire(std::move(expiry), done); });
  return finish_call(future);
}

inline std::uint64_t expire(ObjectStore& store, Expiry expiry) {
  return without_error(try_expire(store, std::move(expiry))).deleted;
}

inline Outcome<std::vector<Object>> try_find(ObjectReader& store, ObjectQuery query) {
  auto future = begin_call<std::vector<Object>>([&](auto done) { store.find(query, done); });
  return finish_call(future);
}

inline std::vector<Object> find(ObjectReader& store, ObjectQuery query = {}) {
  return without_error(try_find(store, query));
}

inline std::optional<Object> find_one(ObjectReader& store, ObjectId id) {
  const auto found = find(store, {.id = id});
  REQUIRE(found.size() <= 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

inline std::vector<DeadLetter> dead_letters(ObjectReader& store,
                                            DeadLetterQuery query = {.limit = 1000}) {
  auto future =
      begin_call<std::vector<DeadLetter>>([&](auto done) { store.find_dead_letters(query, done); });
  return without_error(finish_call(future));
}

/// A time of these tests, `seconds` after an arbitrary point.
inline Timestamp at(double seconds) {
  const Duration since_epoch = std::chrono::hours(24 * 365 * 50);
  return Timestamp(since_epoch +
                   std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

}  // namespace postoffice::testing
