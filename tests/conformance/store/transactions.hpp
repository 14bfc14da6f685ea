// Changes are applied in order, once and completely, whatever runs at the same time.
#pragma once

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "conformance/store/changes.hpp"
#include "conformance/store_model.hpp"

namespace postoffice::testing {

TEST_CASE_TEMPLATE_DEFINE("applying the same changes twice is applying them once", Stores,
                          store_idempotent) {
  Stores stores;
  const auto store = stores.open();
  apply(*store, answering({{1, true, at(1), at(2)}, {2, true, at(1), at(2)}}));
  const Changes changes{.touches = {{1, at(5)}, {7, at(5)}},
                        .answers = {{3, true, at(5), at(6)}, {4, true, at(1), at(6)}},
                        .removals = {{2, false, at(5), at(6)}},
                        .dead_letters = {{8, at(5), at(6), 3, "x"}},
                        .cleared = {9},
                        .cutoff = at(3)};
  const auto once = apply(*store, changes);
  const auto rows = find(*store);
  const auto twice = apply(*store, changes);
  CHECK(once.missing == twice.missing);
  CHECK(once.late == twice.late);
  CHECK(find(*store) == rows);
  CHECK(dead_letters(*store).size() == 1);
}

TEST_CASE_TEMPLATE_DEFINE("apply calls take effect in the order they are made", Stores,
                          store_order) {
  Stores stores;
  const auto store = stores.open();
  std::vector<std::future<Outcome<Applied>>> calls;
  for (int round = 0; round < 200; ++round) {
    const DeadLetter letter{1, at(round), at(round), round, "round"};
    calls.push_back(begin_apply(*store, {.dead_letters = {letter}}));
    calls.push_back(begin_apply(*store, {.cleared = {1}}));
  }
  calls.push_back(begin_apply(*store, {.dead_letters = {{1, at(1), at(1), 777, "last"}}}));
  for (auto& call : calls) without_error(finish_call(call));
  const auto found = dead_letters(*store);
  REQUIRE(found.size() == 1);
  CHECK(found.front().attempts == 777);
}

TEST_CASE_TEMPLATE_DEFINE("empty changes succeed", Stores, store_empty) {
  Stores stores;
  const auto store = stores.open();
  const auto applied = apply(*store, {});
  CHECK(applied.missing.empty());
  CHECK(applied.late.empty());
}

TEST_CASE_TEMPLATE_DEFINE("a batch of 20,000 rows is one transaction like any other", Stores,
                          store_big) {
  Stores stores;
  const auto store = stores.open();
  Changes changes;
  Changes touches;
  for (ObjectId id = 0; id < 20'000; ++id) {
    changes.answers.push_back({id, true, at(10), at(11)});
    touches.touches.push_back({id * 2, at(12)});
  }
  apply(*store, changes);
  CHECK(apply(*store, touches).missing.size() == 10'000);
  CHECK(find_one(*store, 19'998) == Object{19'998, true, at(12), at(11)});
  CHECK(expire(*store, {.cutoff = at(20), .ids = {}, .scan = true}) == 20'000);
}

TEST_CASE_TEMPLATE_DEFINE("random histories end as the model says", Stores, store_random) {
  const unsigned seed = std::random_device{}();
  INFO("seed ", seed);
  Stores stores;
  auto store = stores.open();
  StoreModel model;
  HistoryMaker make(seed);
  for (int step = 0; step < 150; ++step) {
    CAPTURE(step);
    if (make.below(5) == 0) {
      const Expiry expiry = make.expiry();
      const Expired real = without_error(try_expire(*store, expiry));
      const Expired expected = model.expire(expiry);
      CHECK(real.deleted == expected.deleted);
      if (expiry.scan && expiry.tell_oldest) CHECK(real.oldest_left == expected.oldest_left);
    } else {
      const Changes changes = make.changes();
      const int times = make.below(4) == 0 ? 2 : 1;
      for (int time = 0; time < times; ++time) {
        const auto real = apply(*store, changes);
        const auto expected = model.apply(changes);
        CHECK(real.missing == expected.missing);
        CHECK(real.late == expected.late);
      }
    }
    if (Stores::persistent && make.below(40) == 0) {
      store.reset();
      store = stores.open();
    }
    REQUIRE(find(*store) == model.objects());
    REQUIRE(dead_letters(*store) == model.dead_letters());
  }
}

TEST_CASE_TEMPLATE_DEFINE("four writers with the same ids lose nothing", Stores, store_writers) {
  if constexpr (Stores::persistent) {
    constexpr int writers = 4;
    constexpr int rounds = 25;
    constexpr int ids = 300;
    Stores stores;
    std::vector<std::unique_ptr<ReadableObjectStore>> opened;
    for (int writer = 0; writer < writers; ++writer) opened.push_back(stores.open());
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer) {
      threads.emplace_back([&, writer] {
        for (int round = 0; round < rounds; ++round) {
          const int time = round * writers + writer;
          Changes changes;
          for (ObjectId id = 0; id < ids; ++id) {
            if ((id + time) % 3 == 0) changes.touches.push_back({id, at(time)});
            if ((id + time) % 3 == 1)
              changes.answers.push_back({id, time % 2 == 0, at(time), at(time)});
          }
          apply_until_done(*opened[writer], changes);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (ObjectId id = 0; id < ids; ++id) {
      CAPTURE(id);
      int newest = writers * rounds - 1;
      while ((id + newest) % 3 != 1) --newest;
      const auto row = find_one(*opened[0], id);
      REQUIRE(row);
      CHECK(row->fetched_at == at(newest));
      CHECK(row->online == (newest % 2 == 0));
    }
  }
}

}  // namespace postoffice::testing
