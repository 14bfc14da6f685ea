// A source of the ordinary kind and the fetch stage in front of it, in simulated time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/fetch_stage.hpp"
#include "postoffice/error.hpp"

namespace postoffice::core {

/// Workers take requests from one line, first come, first served. One whose client has gone is
/// served all the same: nobody tells the worker.
struct ServerModel {
  std::size_t workers = 1;
  Duration service_min{}, service_max{};
  std::size_t line_max = 1'000'000;  ///< of requests that wait; more are not connected
  bool says_503 = false;             ///< … or are told so
};

/// Receipts go in, and it is watched which ids have a row. Everything follows from the seed.
class ServedWorld {
 public:
  explicit ServedWorld(ServerModel server, PipelineOptions options = {}, std::uint64_t seed = 1)
      : options_(options),
        server_(server),
        random_(seed),
        stage_(ledger_, counters_, options_, seed) {}

  /// Ids that the source answers with an error at once, those that it never answers.
  std::function<bool(ObjectId)> fails = [](ObjectId) { return false; };
  std::function<bool(ObjectId)> hangs = [](ObjectId) { return false; };

  Duration now() const { return now_ - start_; }
  FetchStage& stage() { return stage_; }
  const Counters& counters() const { return counters_; }
  std::uint64_t served() const { return served_; }
  std::uint64_t in_vain() const { return in_vain_; }  ///< served, and nobody waited any more

  void receive(ObjectId id) {
    const EntryIndex index = ledger_.find_or_add(id);
    const bool aged = ledger_[index].last_receipt + options_.ttl < now_;
    ledger_[index].last_receipt = now_;
    received_[id] = now_;
    ++counters_.delivered;
    stage_.owe(index, now_, aged, now_);
  }
  /// Never seen before.
  void receive_new(int count) {
    for (; count > 0; --count) receive(++last_id_);
  }
  /// So many new ids a second, in even steps, from now on.
  void new_ids_a_second(double rate) {
    gap_ = rate > 0 ? Duration(static_cast<Duration::rep>(1e6 / rate)) : Duration{};
    next_new_ = rate > 0 ? now_ + gap_ : Timestamp::max();
  }

  void stop_server() {
    up_ = false;
    for (const auto& [token, id] : open_) {
      at(now_, [this, token = token] { end(token, failed(Error::unavailable)); });
    }
    line_.clear();
    busy_ = 0;
    ++life_;
  }
  void start_server() { up_ = true; }
  /// It takes requests and works on none; then it goes on with all of them.
  void freeze_server(Duration span) {
    frozen_until_ = now_ + span;
    at(frozen_until_, [this] { serve(); });
  }
  bool silent() const { return stage_.source_silent(now_); }

  void run(Duration span) {
    const Timestamp end = now_ + span;
    act();
    for (;;) {
      const Timestamp event = events_.empty() ? Timestamp::max() : events_.begin()->first;
      const Timestamp next = std::min({event, next_new_, stage_.next_wake_at(), end});
      now_ = std::max(now_, next);
      if (event <= now_) {
        const auto due = events_.extract(events_.begin()).mapped();
        due();
      } else if (next_new_ <= now_) {
        receive_new(1);
        next_new_ += gap_;
      } else if (now_ >= end) {
        break;
      }
      act();
    }
  }

  /// Of the ids received within ttl and longer ago than `grace`: which share has a row?
  double live_rows(Duration grace) const {
    std::size_t live = 0;
    std::size_t rows = 0;
    for (const auto& [id, received] : received_) {
      if (received + options_.ttl < now_ || received > now_ - grace || unknown(id)) continue;
      ++live;
      if (rows_.count(id) != 0) ++rows;
    }
    return live == 0 ? 1 : static_cast<double>(rows) / static_cast<double>(live);
  }
  /// The longest that a good id received from `from` on has waited for its row.
  Duration slowest(Duration from) const {
    Duration most{};
    for (const auto& [id, received] : received_) {
      if (received < start_ + from || unknown(id)) continue;
      const auto row = rows_.find(id);
      most = std::max(most, (row == rows_.end() ? now_ : row->second) - received);
    }
    return most;
  }

 private:
  bool unknown(ObjectId id) const { return fails(id) || hangs(id); }
  static FetchResult failed(Error error) { return {error, 0, false, {}, {}}; }
  void at(Timestamp when, std::function<void()> what) { events_.emplace(when, std::move(what)); }

  void act() {
    orders_.clear();
    stage_.begin(now_, orders_);
    for (const FetchOrder& order : orders_) ask(order);
    for (Outcome& outcome : stage_.outcomes()) {
      Entry& entry = ledger_[outcome.index];
      --counters_.pending;
      if (outcome.kind == Outcome::Kind::answer) rows_[entry.id] = now_;
      --entry.storing;
      ledger_.release_if_unused(outcome.index);
    }
    stage_.outcomes().clear();
    for (const EntryIndex index : stage_.too_old()) {
      --counters_.pending;
      ++counters_.expired;
      ledger_.release_if_unused(index);
    }
    stage_.too_old().clear();
  }

  void ask(const FetchOrder& order) {
    const std::uint64_t token = order.token;
    const bool refused = up_ && busy_ == server_.workers && line_.size() >= server_.line_max;
    if (!up_ || refused || fails(order.id)) {
      open_[token] = order.id;
      const Error error = !up_               ? Error::unavailable
                          : !refused         ? Error::refused
                          : server_.says_503 ? Error::overloaded
                                             : Error::unavailable;
      return at(now_ + std::chrono::milliseconds(1),
                [this, token, error] { end(token, failed(error)); });
    }
    open_[token] = order.id;
    at(now_ + options_.fetch_timeout, [this, token] { end(token, failed(Error::timed_out)); });
    if (hangs(order.id)) return;
    line_.push_back(token);
    ids_[token] = order.id;
    serve();
  }

  void serve() {
    while (now_ >= frozen_until_ && busy_ < server_.workers && !line_.empty()) {
      const std::uint64_t token = line_.front();
      line_.pop_front();
      ++busy_;
      std::uniform_int_distribution<Duration::rep> service(server_.service_min.count(),
                                                           server_.service_max.count());
      at(now_ + Duration(service(random_)), [this, token, life = life_] {
        if (life != life_) return;
        --busy_;
        ++served_;
        if (open_.count(token) == 0) ++in_vain_;
        end(token, {{}, ids_[token], true, {}, {}});
        ids_.erase(token);
        serve();
      });
    }
  }

  void end(std::uint64_t token, const FetchResult& result) {
    if (open_.erase(token) != 0) stage_.fetched(token, result, now_);
  }

  const Timestamp start_{std::chrono::hours(1)};
  Timestamp now_ = start_;
  PipelineOptions options_;
  ServerModel server_;
  std::mt19937_64 random_;
  Ledger ledger_{1};
  Counters counters_;
  FetchStage stage_;
  std::vector<FetchOrder> orders_;
  std::multimap<Timestamp, std::function<void()>> events_;
  Timestamp next_new_ = Timestamp::max();
  Duration gap_{};
  ObjectId last_id_ = 1'000'000;
  std::unordered_map<ObjectId, Timestamp> received_;
  std::unordered_map<ObjectId, Timestamp> rows_;  // since when

  // The server.
  bool up_ = true;
  Timestamp frozen_until_{};
  std::uint64_t life_ = 0;
  std::size_t busy_ = 0;
  std::deque<std::uint64_t> line_;
  std::unordered_map<std::uint64_t, ObjectId> ids_;
  std::unordered_map<std::uint64_t, ObjectId> open_;  // whose client waits
  std::uint64_t served_ = 0;
  std::uint64_t in_vain_ = 0;
};

}  // namespace postoffice::core
