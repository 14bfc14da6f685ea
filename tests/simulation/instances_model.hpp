// A model of several instances on one database: small enough to walk through every interleaving.
// What is a transaction in lib/postgres/ is one step here, or two where it waits in the middle.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace postoffice::simulation {

/// Mistakes one could make in the protocol. The model must find each of them, but for the last two:
/// as long as no watermark goes back, a cutoff that is older is only smaller.
enum class Mistake {
  none,
  cutoff_of_own_watermark,    // not of all instances
  cutoff_not_remembered,      // deleted beyond what no row may be created below
  watermark_before_commit,    // told when the touches were sent
  not_fenced,                 // written without looking whether it was retired
  fenced_without_lock,        // looked, but did not keep others from retiring it meanwhile
  place_taken_from_living,    // back from a copy that has not stopped
  clocks_not_compared,        // watermarks of different clocks taken for the same time
  cutoff_read_before_delete,  // in a transaction of its own
  registered_without_lock,    // deletes go on by the watermarks of before
};

struct World {
  int instances = 2;
  std::array<int, 3> offsets{};  // of the clocks, in ticks
  int ttl = 2;
  int end = 6;       // the time at which it ends
  int receipts = 2;  // that each instance accepts, at most
  int retirements = 1;
  bool copied = false;  // the second is a copy of the first, and comes to its end
  Mistake mistake = Mistake::none;
};

/// Everything that matters for what can happen next. One object, whose row comes with the touch.
struct State {
  struct Instance {
    std::int8_t offset = 0;
    std::int8_t registered = 0;  // believes to be
    std::int8_t epoch = 0;       // that it believes to have
    std::int8_t pending = 0;     // a receipt waits for its touch …
    std::int8_t stamp = 0;       // … stamped then by its own clock …
    std::int8_t received = 0;    // … received then in truth …
    std::int8_t let_go = 0;      // … and nobody promised to wait for it: it was retired
    std::int8_t applying = 0;    // in the middle of that transaction
    std::int8_t telling = 0;     // in the middle of telling its watermark …
    std::int8_t told = 0;        // … this one
    std::int8_t told_epoch = 0;
    std::int8_t deleting = 0;  // 1: the cutoff is remembered, 2: in the middle of the delete …
    std::int8_t cutoff = 0;    // … with this cutoff
    std::int8_t left = 0;      // receipts that it may still accept
    std::int8_t started = 0;   // and has not registered since: it may take its place from another
    std::int8_t ended = 0;     // stopped with nothing left
    std::int8_t row = 0;       // its row exists …
    std::int8_t row_epoch = 0;
    std::int8_t watermark = 0;
    std::int8_t ahead = 0;
    std::int8_t stopped = 0;     // the watermark goes on by itself …
    std::int8_t stopped_at = 0;  // … since then
  };
  std::int8_t now = 0;
  std::int8_t last_epoch = 0;
  std::int8_t remembered = -100;  // the cutoff below which no row is created
  std::int8_t deleted = -100;     // the largest cutoff that anything was deleted by
  std::int8_t object = 0;         // its row exists …
  std::int8_t last_seen = 0;      // … with this stamp …
  std::int8_t newest = 0;         // … received then in truth …
  std::int8_t by = 0;             // … by this instance …
  std::int8_t let_go = 0;         // … which was retired since
  std::int8_t retirements = 0;
  std::array<Instance, 3> all{};
};

/// Walks through every state that can be reached. `violation` tells what went wrong first, if
/// anything did.
class InstancesModel {
 public:
  explicit InstancesModel(const World& world) : world_(world) {}

  struct Result {
    std::size_t states = 0;
    std::size_t steps = 0;
    std::size_t deletes = 0;
    std::string violation;
  };

  Result explore(std::size_t states_max = SIZE_MAX) {
    add(first());
    while (!open_.empty() && result_.violation.empty() && seen_.size() < states_max) {
      const State state = open_.back();
      open_.pop_back();
      step(state);
    }
    result_.states = seen_.size();
    return result_;
  }

  /// Walks at random, from the beginning, again and again:
  /// for worlds that are too large to be explored.
  Result walk(std::size_t walks, std::uint64_t seed) {
    walking_ = true;
    std::mt19937_64 random(seed);
    for (; walks > 0 && result_.violation.empty(); --walks, ++result_.states) {
      successors_ = {first()};
      for (int left = 200; !successors_.empty() && left > 0; --left) {
        const State state = successors_[random() % successors_.size()];
        successors_.clear();
        step(state);
        ++result_.steps;
      }
    }
    return result_;
  }

 private:
  using Instance = State::Instance;
  static constexpr int never = 100;
  static constexpr std::int8_t never_yet = -100;

  bool mistaken(Mistake mistake) const { return world_.mistake == mistake; }

  State first() const {
    State state;
    state.retirements = static_cast<std::int8_t>(world_.retirements);
    for (int i = 0; i < world_.instances; ++i) {
      state.all[i].offset = static_cast<std::int8_t>(world_.offsets[i]);
      state.all[i].left = static_cast<std::int8_t>(world_.receipts);
      state.all[i].started = world_.copied;
    }
    return state;
  }

  /// The same for all states from which the same can happen.
  State canonical(State state) const {
    for (Instance& self : state.all) {
      if (!self.registered) self.epoch = 0;
      if (!self.pending) self.stamp = self.received = self.let_go = 0;
      if (!self.telling) self.told = self.told_epoch = 0;
      if (!self.row) self.row_epoch = self.watermark = self.ahead = self.stopped = 0;
      if (!self.stopped) self.stopped_at = 0;
      const bool cutoff_matters =
          self.deleting == 2 ||
          (self.deleting == 1 && mistaken(Mistake::cutoff_read_before_delete));
      if (!cutoff_matters) self.cutoff = 0;
    }
    if (!state.object) state.last_seen = state.newest = state.by = state.let_go = 0;
    if (state.deleted <= state.remembered) state.deleted = never_yet;
    return state;
  }

  void add(const State& given) {
    if (walking_) return successors_.push_back(given);
    const State state = canonical(given);
    std::string key(reinterpret_cast<const char*>(&state), sizeof state);
    ++result_.steps;
    if (seen_.insert(std::move(key)).second) open_.push_back(state);
  }

  void fail(const std::string& what) {
    if (result_.violation.empty()) result_.violation = what;
  }

  void step(const State& state) {
    if (state.now < world_.end) {
      State next = state;
      ++next.now;
      add(next);
    }
    for (int i = 0; i < world_.instances; ++i) {
      act(state, i);
      retire(state, i);
    }
  }

  void act(const State& state, int i) {
    const Instance& self = state.all[i];
    if (self.ended) return;
    if (self.telling) tell(state, i);
    if (self.applying) return go_on_touching(state, i);
    if (self.telling) return;
    if (self.deleting == 2) return commit_delete(state, i);
    if (!self.registered) return register_instance(state, i);
    if (self.left > 0 && !self.pending) receive(state, i);
    if (self.pending) begin_touch(state, i);
    if (world_.copied && i == 1 && !self.pending) leave(state, i);
    begin_telling(state, i);
    if (self.deleting == 0) remember(state, i);
    if (self.deleting == 1) begin_delete(state, i);
  }

  // Whose row it is that instance i has, if it has one.
  int place(int i) const { return world_.copied && i == 1 ? 0 : i; }
  const Instance& row_of(const State& state, int i) const { return state.all[place(i)]; }
  Instance& row_of(State& state, int i) const { return state.all[place(i)]; }

  // Time.

  static int clock(const State& state, const Instance& self) { return state.now + self.offset; }

  /// What the instance can tell: nothing older is on its way.
  int own_watermark(const State& state, const Instance& self) const {
    const bool waits =
        self.pending && !(mistaken(Mistake::watermark_before_commit) && self.applying);
    return waits ? self.stamp : clock(state, self);
  }

  int watermark_of_all(const State& state) const {
    int oldest = never;
    for (int i = 0; i < world_.instances; ++i) {
      if (!state.all[i].row) continue;
      int ahead = 0;  // of the slowest of the other clocks
      for (int j = 0; j < world_.instances; ++j) {
        if (state.all[j].row) ahead = std::max(ahead, state.all[i].ahead - state.all[j].ahead);
      }
      if (mistaken(Mistake::clocks_not_compared)) ahead = 0;
      const Instance& row = state.all[i];
      const int since = row.stopped ? state.now - row.stopped_at : 0;
      oldest = std::min(oldest, row.watermark + since - ahead);
    }
    return oldest;
  }

  int cutoff_by_watermarks(const State& state, const Instance& self) const {
    if (mistaken(Mistake::cutoff_of_own_watermark)) return own_watermark(state, self) - world_.ttl;
    return std::min(watermark_of_all(state), own_watermark(state, self)) - world_.ttl;
  }

  // The lock of the schema: shared by what is in the middle of a transaction.

  bool shared(const State& state, int except = -1) const {
    for (int i = 0; i < world_.instances; ++i) {
      if (i == except) continue;
      const bool touches = state.all[i].applying && !mistaken(Mistake::fenced_without_lock);
      if (touches || state.all[i].deleting == 2) return true;
    }
    return false;
  }

  bool has_place(const State& state, int i) const {
    const Instance& row = row_of(state, i);
    return row.row && row.row_epoch == state.all[i].epoch;
  }

  bool fenced(const State& state, int i) const {
    return !mistaken(Mistake::not_fenced) && !has_place(state, i);
  }

  /// Everything that writes fails, and the instance knows why.
  void lose_place(State next, int i) {
    Instance& self = next.all[i];
    self.registered = self.applying = self.telling = self.deleting = 0;
    add(next);
  }

  void check_place(const State& state, int i, const char* what) {
    if (!has_place(state, i)) {
      fail(std::string(what) + " by an instance that was retired");
    }
  }

  // What an instance does.

  void register_instance(const State& state, int i) {
    if (!mistaken(Mistake::registered_without_lock) && shared(state)) return;
    const Instance& old = row_of(state, i);
    const bool taken = old.row && !old.stopped;
    const bool by_people = state.all[i].started;
    if (taken && !by_people && !mistaken(Mistake::place_taken_from_living)) return;
    State next = state;
    Instance& self = next.all[i];
    Instance& row = row_of(next, i);
    if (taken && by_people) let_go(next, 1 - i);
    self.registered = row.row = 1;
    self.started = row.stopped = 0;
    self.epoch = row.row_epoch = ++next.last_epoch;
    self.offset = static_cast<std::int8_t>(std::max<int>(self.offset, next.remembered - next.now));
    row.watermark = static_cast<std::int8_t>(own_watermark(next, self));
    row.ahead = self.offset;
    add(next);
  }

  // Nobody waits any more for what it holds, nor for what it has stored.
  static void let_go(State& state, int i) {
    state.all[i].let_go = state.all[i].pending;
    if (state.by == i) state.let_go = 1;
  }

  // Stopped with nothing left.
  void leave(const State& state, int i) {
    if (fenced(state, i)) return lose_place(state, i);
    State next = state;
    Instance& row = row_of(next, i);
    row.watermark = std::max<std::int8_t>(
        row.watermark, static_cast<std::int8_t>(own_watermark(next, next.all[i])));
    row.stopped = 1;
    row.stopped_at = next.now;
    next.all[i].registered = 0;
    next.all[i].ended = 1;
    add(next);
  }

  void receive(const State& state, int i) {
    State next = state;
    Instance& self = next.all[i];
    --self.left;
    self.pending = 1;
    self.let_go = !has_place(next, i);  // retired, and does not know it yet
    self.stamp = static_cast<std::int8_t>(clock(next, self));
    self.received = next.now;
    add(next);
  }

  void begin_touch(const State& state, int i) {
    if (fenced(state, i)) return lose_place(state, i);
    State next = state;
    next.all[i].applying = 1;
    add(next);
  }

  void go_on_touching(const State& state, int i) {
    commit_touch(state, i);
    State failed = state;
    failed.all[i].applying = 0;
    add(failed);
    if (mistaken(Mistake::watermark_before_commit) && !state.all[i].telling) {
      begin_telling(state, i);
    }
  }

  void commit_touch(const State& state, int i) {
    State next = state;
    Instance& self = next.all[i];
    check_place(next, i, "a touch");
    self.applying = self.pending = 0;
    if (!next.object) {
      if (self.stamp < next.remembered) return add(next);  // answered too late to matter
      if (self.stamp < next.deleted) fail("a row was created that had expired before");
      next.object = 1;
      next.last_seen = next.newest = -100;
      next.let_go = 1;
    }
    next.last_seen = std::max(next.last_seen, self.stamp);
    if (self.received >= next.newest) {
      next.newest = self.received;
      next.by = static_cast<std::int8_t>(i);
      next.let_go = self.let_go;
    }
    add(next);
  }

  void begin_telling(const State& state, int i) {
    State next = state;
    Instance& self = next.all[i];
    self.telling = 1;
    self.told = static_cast<std::int8_t>(own_watermark(next, self));
    self.told_epoch = self.epoch;
    add(next);
  }

  void tell(const State& state, int i) {
    const Instance& before = row_of(state, i);
    const bool ours = before.row && before.row_epoch == state.all[i].told_epoch;
    if (!ours) return lose_place(state, i);
    State next = state;
    Instance& self = next.all[i];
    Instance& row = row_of(next, i);
    self.telling = 0;
    row.watermark = std::max(row.watermark, self.told);
    row.ahead = self.offset;
    add(next);
  }

  void remember(const State& state, int i) {
    if (shared(state)) return;
    if (fenced(state, i)) return lose_place(state, i);
    State next = state;
    Instance& self = next.all[i];
    const int cutoff = cutoff_by_watermarks(next, self);
    if (!mistaken(Mistake::cutoff_not_remembered)) {
      next.remembered = static_cast<std::int8_t>(std::max<int>(next.remembered, cutoff));
    }
    self.deleting = 1;
    self.cutoff = static_cast<std::int8_t>(cutoff);
    add(next);
  }

  void begin_delete(const State& state, int i) {
    if (fenced(state, i)) return lose_place(state, i);
    State next = state;
    Instance& self = next.all[i];
    self.deleting = 2;
    if (!mistaken(Mistake::cutoff_read_before_delete)) {
      int cutoff = cutoff_by_watermarks(next, self);
      if (!mistaken(Mistake::cutoff_not_remembered)) {
        cutoff = std::min<int>(cutoff, next.remembered);
      }
      self.cutoff = static_cast<std::int8_t>(cutoff);
    }
    add(next);
  }

  void commit_delete(const State& state, int i) {
    State next = state;
    Instance& self = next.all[i];
    check_place(next, i, "a delete");
    self.deleting = 0;
    next.deleted = std::max(next.deleted, self.cutoff);
    if (next.object && next.last_seen < self.cutoff) {
      ++result_.deletes;
      check_delete(next);
      next.object = 0;
    }
    self.cutoff = 0;
    add(next);
  }

  // S6, in truth: neither within ttl of its newest receipt, nor while one that came within ttl of
  // that waits somewhere. What an instance held that was retired, nobody waits for.
  void check_delete(const State& state) {
    if (state.let_go) return;
    if (state.now - state.newest <= world_.ttl) fail("a row was deleted within ttl of its receipt");
    for (int i = 0; i < world_.instances; ++i) {
      const Instance& other = state.all[i];
      if (!other.pending || other.let_go) continue;
      if (other.received - state.newest <= world_.ttl) {
        fail("a row was deleted although a receipt waits for its touch");
      }
    }
  }

  // What is done to it. To be paused needs no step: nothing forces an instance to go on.

  void retire(const State& state, int i) {
    if (state.retirements == 0 || !state.all[i].row || shared(state)) return;
    State next = state;
    --next.retirements;
    Instance& row = next.all[i];
    row.row = row.row_epoch = row.watermark = row.ahead = row.stopped = 0;
    for (int k = 0; k < world_.instances; ++k) {
      if (place(k) == i) let_go(next, k);
    }
    add(next);
  }

  const World world_;
  Result result_;
  bool walking_ = false;
  std::vector<State> successors_;  // while walking
  std::vector<State> open_;        // while exploring
  std::unordered_set<std::string> seen_;
};

}  // namespace postoffice::simulation
