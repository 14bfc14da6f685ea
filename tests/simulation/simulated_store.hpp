// A store in front of rows that outlive the process: slow, away, or with unknown outcomes.
#pragma once

#include <algorithm>
#include <utility>

#include "postoffice/error.hpp"
#include "postoffice/testing/manual_clock.hpp"
#include "postoffice/testing/memory_store.hpp"
#include "simulation/agenda.hpp"
#include "simulation/oracle.hpp"
#include "simulation/weather.hpp"

namespace postoffice::simulation {

class SimulatedStore final : public ObjectStore {
 public:
  SimulatedStore(testing::MemoryStore& rows, const testing::ManualClock& clock, Agenda& agenda,
                 Chance& chance, const Weather& weather, Oracle& oracle)
      : rows_(rows),
        clock_(clock),
        agenda_(agenda),
        chance_(chance),
        weather_(weather),
        oracle_(oracle) {}

  void apply(Changes changes, ApplyDone done) override {
    const auto fate = draw_fate();
    trace(changes, fate);
    Applied applied;
    std::error_code error = error_of(fate);
    if (fate != Fate::refused) {
      const auto before = rows_.objects();
      std::error_code rejected;
      rows_.apply(changes, [&](std::error_code code, Applied result) {
        rejected = code;
        applied = std::move(result);
      });
      oracle_.rows_changed(before, rows_.objects());
      if (!rejected) tell(changes, applied);
      if (rejected && !error) error = rejected;
    }
    if (error) applied = {};
    const auto rows = changes.touches.size() + changes.answers.size() + changes.removals.size();
    busy_ = std::chrono::microseconds(weather_.store_row_cost * static_cast<std::int64_t>(rows));
    complete(
        [done = std::move(done), error, applied = std::move(applied)] { done(error, applied); });
  }

  void expire(Expiry expiry, ExpireDone done) override {
    const auto fate = draw_fate();
    Expired expired;
    if (fate != Fate::refused) {
      const auto before = rows_.objects();
      const auto cutoff = expiry.cutoff;
      rows_.expire(std::move(expiry), [&](std::error_code, Expired done) { expired = done; });
      for (const auto& [id, row] : before) {
        if (row.last_seen < cutoff) oracle_.trace(id, "expired, cutoff", clock_.now(), cutoff);
      }
      oracle_.rows_expired(before, rows_.objects(), cutoff);
    }
    complete([done = std::move(done), error = error_of(fate), expired] { done(error, expired); });
  }

 private:
  enum class Fate { committed, refused, committed_and_failed };

  void trace(const Changes& changes, Fate fate) const {
    const auto now = clock_.now();
    const auto all = [&](const auto& list, const char* kept, const char* refused) {
      for (const auto& row : list) {
        oracle_.trace(row.id, fate == Fate::refused ? refused : kept, now, row.last_seen);
      }
    };
    all(changes.touches, "touch", "touch refused");
    all(changes.answers, "answer stored", "answer refused");
    all(changes.removals, "removal stored", "removal refused");
    for (const auto& letter : changes.dead_letters) {
      oracle_.trace(letter.id, "given up", now, letter.received_at);
    }
  }

  Fate draw_fate() {
    if (!chance_.percent(weather_.store_failing)) return Fate::committed;
    return chance_.percent(weather_.store_ambiguous) ? Fate::committed_and_failed : Fate::refused;
  }

  /// What was carried out: all but the rows that were refused.
  void tell(const Changes& changes, const Applied& applied) {
    const auto refused = [&](const auto& change) {
      return std::any_of(applied.refused.begin(), applied.refused.end(),
                         [&](const Refusal& refusal) { return refusal.id == change.id; });
    };
    for (const auto& answer : changes.answers) {
      if (!refused(answer)) oracle_.answer_applied(answer);
    }
    for (const auto& answer : changes.removals) {
      if (!refused(answer)) oracle_.removal_applied(answer);
    }
    for (const auto& dead : changes.dead_letters) {
      if (!rows_.dead_letters().contains(dead.id)) continue;
      oracle_.given_up(dead.id, dead.received_at, dead.attempts);
    }
  }

  static std::error_code error_of(Fate fate) {
    return fate == Fate::committed ? std::error_code{} : Error::unavailable;
  }

  /// At once, or later, but in order.
  void complete(std::function<void()> completion) {
    const auto now = clock_.now();
    if (chance_.percent(weather_.store_slow)) {
      last_ = std::max(last_, now) + std::chrono::milliseconds(chance_(2'000));
    }
    if (busy_.count() > 0) last_ = std::max(last_, now) + std::exchange(busy_, {});
    if (last_ < now) return completion();
    agenda_.at(last_, std::move(completion));
  }

  testing::MemoryStore& rows_;
  const testing::ManualClock& clock_;
  Agenda& agenda_;
  Chance& chance_;
  const Weather& weather_;
  Oracle& oracle_;
  Timestamp last_{};
  Duration busy_{};  // with the transaction that is about to complete
};

}  // namespace postoffice::simulation
