#include "simulation/history.hpp"

#include <algorithm>

namespace postoffice::simulation {
namespace {

constexpr auto first_moment = Timestamp(std::chrono::hours(24 * 365 * 50));
constexpr auto stuck_pause_max = 6s;  // between two tries of a row that was refused

/// Small limits, so that each is met often.
PipelineOptions draw_options(Chance& chance) {
  PipelineOptions options;
  options.ttl = std::chrono::milliseconds(chance.between(2'500, 8'000));
  options.keep = chance.percent(30) ? Keep::online : Keep::all;
  options.fetch_concurrency = chance.between(4, 40);
  options.fetch_timeout = 1s;
  options.retry_max = std::chrono::milliseconds(chance.between(200, 2'000));
  options.batch_rows_max = chance.between(3, 40);
  options.pending_ids_max = chance.between(10, 100);
  options.known_ids_max = options.pending_ids_max + chance(100);
  options.waiting_ids_max = chance.percent(50) ? chance.between(100, 2'000) : 1'000'000;
  options.carry_after = std::chrono::milliseconds(chance.between(1'000, 6'000));
  options.drain_limit = 1s;
  options.seed = chance.number() | 1;
  options.full_batches_in_flight = 2 + options.seed / 2 % 5;
  return options;
}

FileQueueOptions draw_queue_options(Chance& chance) {
  FileQueueOptions options;
  options.directory = "q";
  options.segment_bytes = (16 + 4 * chance(5)) << 10;
  options.buffer_bytes_max = 8 << 10;
  options.memory_bytes_max = chance.percent(50) ? 1 << 10 : 64 << 10;
  options.clock_interval = 500ms;
  options.bytes_max = chance.percent(40) ? options.segment_bytes * chance.between(3, 6) : 0;
  return options;
}

}  // namespace

History::History(std::uint64_t seed) : World(seed, draw_options, draw_queue_options) {
  disk_.set_short_writes(chance_.percent(50));
}

std::string History::run() {
  weather_ = draw_weather(chance_);
  for (auto steps = chance_.between(50, 250); steps > 0 && !wrong(); --steps) {
    if (!alive()) start();
    if (!alive()) continue;
    if (chance_.percent(4)) change_weather();
    for (auto callbacks = chance_.percent(3) ? chance_(60) : chance_(4); callbacks > 0; --callbacks)
      send();
    work_a_little();
    if (disk_.dead()) {  // nothing happens without power
      die();
      continue;
    }
    if (chance_.permille(8)) disk_.die_after(chance_(30));
    if (chance_.permille(4)) disk_.die_after(0);
    if (chance_.permille(5)) freeze(std::chrono::milliseconds(chance_(20'000)));
    pass(std::chrono::milliseconds(chance_.percent(5) ? chance_(3'000) : chance_(200)));
    if (chance_.permille(4)) stop_gracefully();
    if (alive() && disk_.dead()) die();
    if (alive()) check_counters();
  }
  if (!wrong()) finish_work();
  if (alive()) die();
  return oracle_.wrong();
}

void History::change_weather() {
  weather_ = draw_weather(chance_);
  allow_rows();
  refuse_rows(weather_.rows_refused);
  disk_.set_full(chance_.percent(10));
  disk_.fail_all_syncs(chance_.percent(5));
}

/// Some ids have rows that cannot be written or deleted.
void History::refuse_rows(int count) {
  for (; count > 0; --count) {
    const auto id = static_cast<ObjectId>(chance_(60));
    refused_.insert(id);
    rows_.refuse({id, "NO", "says the user", chance_.percent(50)}, weather_.letters_refused);
  }
}

void History::allow_rows() {
  for (const ObjectId id : refused_) rows_.allow(id);
  refused_.clear();
}

void History::send() {
  std::vector<ObjectId> ids(chance_(chance_.percent(10) ? 60 : 8));
  for (auto& id : ids) id = static_cast<ObjectId>(chance_(60));
  oracle_.sent(ids);
  sent_.insert(ids.begin(), ids.end());
  ++unanswered_;
  process_->ingress().send(ids, [this, ids](std::error_code error, const Receipt& receipt) {
    --unanswered_;
    // Nobody hears the answer of a machine that is dead, but the disk has the record by then.
    if (!error) oracle_.accepted(ids, receipt.received_at);
  });
}

/// The workers get some time, in any order.
void History::work_a_little() {
  disk_.fail_reads(wall_ >= reads_fail_from_ && wall_ < reads_fail_until_);
  if (chance_.permille(weather_.disk_failing)) disk_.fail_sync(1 + chance_(3));
  for (auto steps = chance_(10); steps > 0; --steps) {
    process_->queue().step(workers[chance_(std::size(workers))]);
  }
}

/// The process stands still (SIGSTOP, a suspended machine), the world does not.
void History::freeze(Duration span) {
  process_->clock().not_before(process_->clock().now() + span);
  wall_ += span;
}

void History::start() {
  if (chance_.percent(30)) disk_.die_after(chance_(20));  // crashes nest inside recovery
  if (chance_.percent(10)) {                              // the machine's clock was set
    const auto hours = static_cast<int>(chance_(49)) - 24;
    wall_ = std::max(wall_ + std::chrono::hours(hours), first_moment);
  }
  // Once in a life the disk does not read for a while, shorter than the queue is patient.
  disk_.fail_reads(false);
  reads_fail_from_ = wall_ + std::chrono::milliseconds(chance_(20'000));
  reads_fail_until_ = reads_fail_from_ + std::chrono::milliseconds(chance_(4'000));
  start_process();
  if (process_->opened()) return oracle_.started(process_->clock().now());
  if (!disk_.dead()) oracle_.blame("does not start: " + process_->error().message() + " (I3)");
  die();
}

/// kill -9 or a power cut.
void History::die() {
  end_process();
  unanswered_ = 0;
  if (chance_.percent(30))
    disk_.kill_process();
  else
    disk_.cut_power();
}

void History::stop_gracefully() {
  bool done = false;
  process_->pipeline().stop([&done] { done = true; });
  for (int i = 0; i < 100 && !done && !disk_.dead(); ++i) {
    if (chance_.percent(30)) send();
    work_a_little();
    pass(tick);
  }
  if (!done && !disk_.dead()) oracle_.blame("does not stop (S10)");
  if (disk_.dead()) return;
  const auto now = process_->clock().now();
  agenda_.clear();
  process_.reset();
  unanswered_ = 0;
  oracle_.crashed(now);  // what was in flight is fetched again
}

void History::run_well(Duration span) {
  for (Duration passed{}; passed < span && !wrong(); passed += tick) {
    work(8);
    pass(tick);
    check_counters();
  }
}

void History::finish_work() {
  disk_.stay_alive();
  disk_.set_full(false);
  disk_.fail_all_syncs(false);
  disk_.fail_reads(false);
  weather_ = {};
  allow_rows();
  while (!alive() && !wrong()) start();
  disk_.stay_alive();
  if (wrong()) return;
  // Back-offs end, the backlog is worked off, dead letters are written.
  run_well(options_.ttl + 20s);
  if (unanswered_ > 0) oracle_.blame("a sender was never answered (I9)");
  oracle_.check_all_answered(process_->clock().now());
  check_beside_failing();
  // Good weather but for some rows: it is as good for all the others.
  if (chance_.percent(50)) refuse_rows(static_cast<int>(chance_.between(1, 4)));
  oracle_.except(refused_);
  send_all();
  run_well(tick);
  const auto others_pending = [this] {
    const auto status = process_->pipeline().status();
    return status.pending > status.stuck_rows;
  };
  for (int i = 0; i < 400 && others_pending(); ++i) run_well(tick);
  if (unanswered_ > 0) oracle_.blame("a sender was not answered (I9)");
  oracle_.check_all_ended(rows_.objects(), process_->clock().now());
  for (Duration passed{}; passed < options_.ttl + 2s && !wrong(); passed += tick) {
    run_well(tick);
    oracle_.check_prompt(rows_.objects(), process_->clock().now());
  }
  oracle_.check_gone(rows_.objects());
  allow_rows();
  run_well(stuck_pause_max);
  const auto status = process_->pipeline().status();
  if (status.stuck_rows + status.stuck_deletes > 0) oracle_.blame("rows are not tried again (S7)");
  if (!rows_.objects().empty()) oracle_.blame("rows remain (I7)");
  if (status.pending > 0) oracle_.blame("ids remain pending (I1)");
  if (status.queue.acknowledged < status.queue.last_durable) {
    oracle_.blame("the queue keeps what is done with");
  }
}

// Ids that fail come again and again; within some latencies all others have their answers. Where
// memory holds them all, since ids beyond the window wait for those that fill it, and half of the
// slots have answers for all of them in time, since of what is too much the newest comes first.
void History::check_beside_failing() {
  constexpr std::size_t ids_a_slot = 8;
  const auto most = std::min(options_.pending_ids_max, ids_a_slot * options_.fetch_concurrency);
  if (sent_.size() > most) return;
  weather_.source_failing_some = true;
  send_all();
  run_well(2s);
  send_all();
  run_well(6s);
  oracle_.check_others_answered(SimulatedSource::fails, process_->clock().now() - 5s);
  weather_ = {};
}

void History::send_all() {
  const std::vector<ObjectId> all(sent_.begin(), sent_.end());
  for (std::size_t at = 0; at < all.size(); at += 20) {
    const std::vector<ObjectId> some(
        all.begin() + static_cast<std::ptrdiff_t>(at),
        all.begin() + static_cast<std::ptrdiff_t>(std::min(at + 20, all.size())));
    oracle_.sent(some);
    ++unanswered_;
    process_->ingress().send(some, [this, some](std::error_code error, const Receipt& receipt) {
      --unanswered_;
      if (error)
        oracle_.blame("refused in good weather: " + error.message() + " (S9)");
      else
        oracle_.accepted(some, receipt.received_at);
    });
  }
}

}  // namespace postoffice::simulation
