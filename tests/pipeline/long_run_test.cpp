// A day in a minute: callbacks, a slow source, failures and outages, in virtual time, through the
// real pipeline. It must hold no more after many hours than after the first ones.
// POSTOFFICE_HOURS=n runs longer or shorter.
#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "postoffice/error.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_queue.hpp"

using namespace postoffice;
using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Answers after 0.3 to 4.3 s; one id never, some at times, and nobody while it is down.
class SlowSource final : public ObjectSource {
 public:
  explicit SlowSource(ManualClock& clock) : clock_(clock) {}
  bool down = false;

  void fetch(ObjectId id, std::chrono::milliseconds, Done done) override {
    FetchResult result;
    result.id = id;
    result.online = random_() % 2 == 0;
    if (down || id == 13 || random_() % 50 == 0) result.error = Error::unavailable;
    if (random_() % 100 == 0) result.error = Error::not_found;
    const auto latency = std::chrono::milliseconds(300 + random_() % 4'000);
    clock_.call_at(clock_.now() + latency, [done = std::move(done), result] { done(result); });
  }

 private:
  ManualClock& clock_;
  std::mt19937_64 random_{1};
};

/// Keeps the rows, counts the dead letters; is down at times.
class Rows final : public ObjectStore {
 public:
  bool down = false;
  std::uint64_t dead_letters = 0;

  void apply(Changes changes, ApplyDone done) override {
    if (down) return done(Error::unavailable, {});
    Applied applied;
    for (const auto& [id, last_seen] : changes.touches) {
      const auto row = rows_.find(id);
      if (row == rows_.end()) {
        applied.missing.push_back(id);
      } else {
        row->second = std::max(row->second, last_seen);
      }
    }
    for (const Object& answer : changes.answers) rows_[answer.id] = answer.last_seen;
    dead_letters += changes.dead_letters.size();
    done({}, std::move(applied));
  }
  void expire(Expiry expiry, ExpireDone done) override {
    if (down) return done(Error::unavailable, {});
    const auto is_expired = [&](const auto& row) { return row.second < expiry.cutoff; };
    done({}, {.deleted = std::erase_if(rows_, is_expired), .oldest_left = {}});
  }

 private:
  std::map<ObjectId, Timestamp> rows_;
};

struct Day {
  Day() : pipeline({clock, ingress, queue, source, store}, options()) {
    pipeline.start();
    clock.run_ready();
  }
  static PipelineOptions options() {
    PipelineOptions options;
    options.seed = 42;
    return options;
  }

  /// Ten ids, most of them among those that others name, too; the set moves on all the time.
  void send() {
    std::vector<ObjectId> ids(10);
    const auto moved = static_cast<ObjectId>((clock.now() - start) / 100ms);
    for (auto& id : ids) id = moved + static_cast<ObjectId>(random() % 1'000);
    if (random() % 100 == 0) ids.push_back(13);
    ingress.send(ids);
  }

  void run_hour(int hour) {
    for (int step = 0; step < 4 * 3'600; ++step) {
      store.down = hour % 2 == 0 && step > 3'600 && step < 4'200;
      source.down = hour % 3 == 0 && step > 7'200 && step < 7'600;
      send();
      clock.advance(250ms);
    }
  }

  ManualClock clock;
  DirectIngress ingress;
  MemoryQueue queue{clock};
  SlowSource source{clock};
  Rows store;
  Pipeline pipeline;
  const Timestamp start = clock.now();
  std::mt19937_64 random{2};
};

std::size_t bytes_held() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

int hours_wanted() {
  const char* given = std::getenv("POSTOFFICE_HOURS");
  return given != nullptr ? std::atoi(given) : HOURS;
}

}  // namespace

TEST_CASE("after a day of callbacks a pipeline holds no more than after the first hours") {
  Day day;
  const int hours = hours_wanted();
  std::vector<std::size_t> bytes;
  for (int hour = 0; hour < hours; ++hour) {
    day.run_hour(hour);
    bytes.push_back(bytes_held());
    const auto status = day.pipeline.status();
    REQUIRE(status.known_ids < 3'000);
    REQUIRE(status.accepted_ids == status.stored + status.merged + status.not_found +
                                       status.expired + status.dead + status.pending);
  }
  const auto status = day.pipeline.status();
  // The first outages have been met by then, each list has had its largest size.
  const auto warm = static_cast<std::ptrdiff_t>(std::clamp(hours / 2, 1, 6));
  const auto early = *std::max_element(bytes.begin(), bytes.begin() + warm);
  const auto late = *std::max_element(bytes.begin() + warm, bytes.end());
  MESSAGE(hours << " h, " << status.accepted_callbacks << " callbacks, " << status.accepted_ids
                << " ids, " << status.fetches << " fetches, " << status.store_failures
                << " failed transactions; held: " << early / 1024 << " KiB at most in the first "
                << warm << " h, " << late / 1024 << " KiB later");
  CHECK(late <= early + early / 50);
  CHECK(status.pending < 1'000);
}
