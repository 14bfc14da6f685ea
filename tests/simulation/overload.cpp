#include "simulation/overload.hpp"

#include <algorithm>
#include <numeric>

namespace postoffice::simulation {
namespace {

constexpr int ids_in_each = 200;

/// The window holds a tenth of the burst, or less.
PipelineOptions draw_options(Chance& chance) {
  PipelineOptions options;
  options.ttl = 10s;
  options.fetch_concurrency = chance.between(20, 60);
  options.fetch_timeout = 2s;
  options.pending_ids_max = chance.between(100, 600);
  options.known_ids_max = options.pending_ids_max * chance.between(1, 10);
  options.batch_rows_max = 100;
  options.carry_after = std::chrono::milliseconds(chance.between(3'000, 60'000));
  options.drain_limit = 1s;
  options.seed = chance.number() | 1;
  return options;
}

FileQueueOptions draw_queue_options(Chance&) {
  FileQueueOptions options;
  options.directory = "q";
  options.segment_bytes = 256 << 10;
  options.memory_bytes_max = 64 << 10;
  return options;
}

}  // namespace

Overload::Overload(std::uint64_t seed) : World(seed, draw_options, draw_queue_options) {
  weather_.store_row_cost = static_cast<int>(chance_.between(100, 250));  // 4,000 rows a second
  for (ObjectId id = 1; id <= 20; ++id) live_.insert(id);
}

void Overload::start() {
  start_process();
  oracle_.started(process_->clock().now());
}

void Overload::send(const std::vector<ObjectId>& ids) {
  oracle_.sent(ids);
  process_->ingress().send(ids, [this, ids](std::error_code error, const Receipt& receipt) {
    if (error) oracle_.blame("refused: " + error.message() + " (S9)");
    if (!error) oracle_.accepted(ids, receipt.received_at);
  });
}

void Overload::send_burst() {
  for (auto callbacks = chance_.between(15, 60); callbacks > 0; --callbacks) {
    std::vector<ObjectId> ids(ids_in_each);
    std::iota(ids.begin(), ids.end(), next_);
    next_ += ids_in_each;
    send(ids);
  }
  pass(tick);  // what is new comes after it
}

/// Live ids come every second, a new one every half.
void Overload::send_live() {
  std::vector<ObjectId> ids;
  if (steps_ % 20 == 0) ids.assign(live_.begin(), live_.end());
  if (steps_ % 10 == 0) ids.push_back(*fresh_.insert(next_new_++).first);
  if (!ids.empty()) send(ids);
}

/// Some rows that live cannot be written any more: that is nothing to the others.
void Overload::refuse_rows() {
  for (auto count = chance_.between(1, 4); count > 0; --count) {
    const auto id = static_cast<ObjectId>(chance_.between(1, live_.size()));
    refused_.insert(id);
    rows_.refuse({id, "NO", "says the user", chance_.percent(50)}, false);
  }
  oracle_.except(refused_);
}

void Overload::restart() {
  end_process();
  disk_.kill_process();
  start();
}

void Overload::go_on(Duration span, bool checked) {
  for (Duration passed{}; passed < span && !wrong(); passed += tick, ++steps_) {
    send_live();
    work(40);
    pass(tick);
    check_counters();
    if (checked) {
      oracle_.check_bounds(live_, fresh_, rows_.objects(), process_->clock().now());
    }
  }
}

std::string Overload::run() {
  start();
  go_on(3s, false);
  if (chance_.percent(50)) refuse_rows();
  send_burst();
  // What comes in the middle of two bursts cannot be told from them.
  go_on(std::chrono::milliseconds(chance_.between(2'000, 4'000)), true);
  if (chance_.percent(50)) restart();
  if (chance_.percent(50)) send_burst();
  go_on(7s, true);
  go_on(options_.ttl + 15s, true);
  check_end();
  process_.reset();
  return oracle_.wrong();
}

/// The burst is over: each id was answered, or waited for ttl without a try.
void Overload::check_end() {
  if (wrong()) return;
  const auto status = process_->pipeline().status();
  if (status.ids_in_queue_only > 0) oracle_.blame("still behind");
  if (status.expired == 0) oracle_.blame("nothing expired, so this was no overload");
}

}  // namespace postoffice::simulation
