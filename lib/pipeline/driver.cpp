#include "pipeline/driver.hpp"

#include <algorithm>
#include <cassert>
#include <future>
#include <utility>

#include "base/random.hpp"
#include "postoffice/error.hpp"

namespace postoffice {
namespace {

// Ids in one read: a round should take well under a millisecond.
constexpr std::size_t read_ids_max = 8'192;

constexpr Duration behind_after = std::chrono::seconds(2);
constexpr std::size_t stuck_rows_named = 3;  // of each kind
constexpr Duration stuck_reported_after = std::chrono::seconds(3);

// Beyond drain_limit, answers that have arrived get this long to reach the store.
constexpr Duration store_limit = std::chrono::seconds(1);

std::uint64_t seed_of(const PipelineOptions& options) {
  if (options.seed != 0) return options.seed;
  return random_uint64();
}

void show(const core::Durations& durations, PipelineStatus& status) {
  const auto fetches = [&](core::FetchEnd end) {
    return durations.fetches[static_cast<std::size_t>(end)].snapshot();
  };
  status.fetch_durations.answered = fetches(core::FetchEnd::answered);
  status.fetch_durations.not_found = fetches(core::FetchEnd::not_found);
  status.fetch_durations.timeout = fetches(core::FetchEnd::timeout);
  status.fetch_durations.unreachable = fetches(core::FetchEnd::unreachable);
  status.fetch_durations.refused = fetches(core::FetchEnd::refused);
  status.store_transactions = durations.transactions.snapshot();
  status.receipt_to_row = durations.receipt_to_row.snapshot();
}

}  // namespace

Pipeline::Driver::Driver(Parts parts, PipelineOptions options, Log log)
    : parts_(parts),
      log_(log ? std::move(log) : [](LogLevel, std::string_view) {}),
      options_(options),
      dispatcher_(options, seed_of(options)) {}

std::error_code Pipeline::Driver::start() {
  if (calls_.closed()) return Error::stopped;
  accepting_ = true;
  const auto self = shared_from_this();
  const auto error =
      parts_.ingress.start([self](std::span<const ObjectId> ids, Queue::AppendDone done) {
        if (const Gate::Holder inside(self->calls_); inside && self->accepting_) {
          return self->parts_.queue.append(ids, std::nullopt, std::move(done));
        }
        done(Error::stopped, {});
      });
  if (error) return error;
  post([this](Timestamp) {
    assert((phase_ == Phase::idle || phase_ == Phase::stopped) && "started once");
    if (phase_ == Phase::idle) phase_ = Phase::running;
  });
  return {};
}

void Pipeline::Driver::stop(std::function<void()> done) {
  post([this, done = std::move(done)](Timestamp now) {
    stop_done_.push_back(done);
    if (phase_ == Phase::stopped || phase_ == Phase::idle) return stopped();
    if (phase_ != Phase::running) return;
    phase_ = Phase::draining;
    drain_until_ = now + options_.drain_limit;
    dispatcher_.drain();
    schedule(drain_until_);
    schedule(drain_until_ + store_limit);
  });
}

void Pipeline::Driver::stop_and_wait() {
  assert(round_thread_.load() != std::this_thread::get_id() && "waits for its own thread");
  assert(!Gate::Holder::holds(calls_) && "waits from within a part's call");
  const auto done = std::make_shared<std::promise<void>>();
  stop([done] { done->set_value(); });
  done->get_future().wait();
}

void Pipeline::Driver::set_fetch_concurrency(std::size_t fetches) {
  post([this, fetches](Timestamp) { dispatcher_.set_fetch_concurrency(fetches); });
}

// As an event between two steps, so that one history of events leads to one history of actions.
void Pipeline::Driver::change(const PipelineOptions& options) {
  post([this, options](Timestamp now) {
    options_.fetch_timeout = options.fetch_timeout;
    options_.drain_limit = options.drain_limit;
    dispatcher_.change(options, now);
  });
}

void Pipeline::Driver::close() {
  accepting_ = false;
  calls_.close_and_wait();
  rounds_.close_and_wait();
}

// Called by the pipeline's owner, who keeps the parts alive meanwhile.
void Pipeline::Driver::post(Event event) {
  if (inbox_.put(std::move(event))) schedule(Timestamp::min());
}

// Called by a part, possibly when other parts have been destroyed.
void Pipeline::Driver::completed(Event event) {
  const Gate::Holder inside(calls_);
  if (inside) post(std::move(event));
}

void Pipeline::Driver::schedule(Timestamp when) {
  parts_.clock.call_at(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->round();
  });
}

void Pipeline::Driver::round() {
  for (const auto& answer : run_round()) answer();
}

std::vector<std::function<void()>> Pipeline::Driver::run_round() {
  assert(!Gate::Holder::holds(rounds_) && "a clock that calls back from call_at()");
  const Gate::Holder inside(rounds_);
  if (!inside) return {};
  round_thread_ = std::this_thread::get_id();
  if (phase_ == Phase::stopped) {  // the queue may have gone
    for (const Event& event : inbox_.take_all()) event(last_round_);
    return std::exchange(answers_, {});
  }
  // The frontier first, the inbox second: what the queue had handed over by then is in the inbox.
  const Timestamp as_of = parts_.clock.now();
  const QueueProgress queue = parts_.queue.progress();
  const std::vector<Event> events = inbox_.take_all();
  const Timestamp now = last_round_ = parts_.clock.now();
  for (const Event& event : events) event(now);
  if (phase_ == Phase::idle || phase_ == Phase::stopped) {
    publish(now);
  } else {
    act(now, as_of, queue);
  }
  return std::exchange(answers_, {});
}

void Pipeline::Driver::act(Timestamp now, Timestamp as_of, const QueueProgress& queue) {
  if (now >= next_wake_) next_wake_ = Timestamp::max();
  core::Actions& actions =
      dispatcher_.act(now, queue.frontier, queue.clock_floor, queue.acknowledge_target);
  if (actions.expire) actions.expire->as_of = as_of;
  carry_out(actions);
  drain_step(now);
  publish(now);
  report_changes(now);
  report_behind(now);
}

void Pipeline::Driver::carry_out(core::Actions& actions) {
  const auto self = shared_from_this();
  for (const auto [token, id] : actions.fetches) {
    const auto done = [self, token = token](FetchResult result) {
      self->completed([self = self.get(), token, result = std::move(result)](Timestamp now) {
        self->dispatcher_.fetched(token, result, now);
      });
    };
    parts_.source.fetch(id, options_.fetch_timeout, done);
  }
  for (auto& [token, changes] : actions.applies) {
    const auto done = [self, token = token](std::error_code error, Applied applied) {
      self->completed(
          [self = self.get(), token, error, applied = std::move(applied)](Timestamp now) {
            self->dispatcher_.applied(token, error, applied, now);
          });
    };
    parts_.store.apply(std::move(changes), done);
  }
  if (actions.expire) {
    parts_.store.expire(std::move(*actions.expire), [self](std::error_code error, Expired expired) {
      self->completed([self = self.get(), error, expired](Timestamp now) {
        self->dispatcher_.expired(error, expired, now);
      });
    });
  }
  for (const auto& [token, received_at, ids] : actions.requeues) {
    const auto done = [self, token = token](std::error_code error, const Receipt& receipt) {
      self->completed([self = self.get(), token, error, receipt](Timestamp now) {
        self->dispatcher_.requeued(token, error, receipt.sequence, now);
      });
    };
    parts_.queue.append(ids, received_at, done);
  }
  if (actions.acknowledge) parts_.queue.acknowledge(*actions.acknowledge);
  if (actions.read && !reading_) read();
  if (actions.next_wake_at < next_wake_) schedule(next_wake_ = actions.next_wake_at);
}

void Pipeline::Driver::read() {
  reading_ = true;
  parts_.queue.read(
      read_ids_max, [self = shared_from_this()](std::error_code error, Delivery delivery) {
        self->completed([self = self.get(), error, delivery = std::move(delivery)](Timestamp now) {
          if (error) return;  // the queue shuts down: reading_ stays true, no further read follows
          self->reading_ = false;
          self->dispatcher_.delivered(delivery, now);
        });
      });
}

// S10: fetches in flight first, then what they brought, and the ingress last.
void Pipeline::Driver::drain_step(Timestamp now) {
  if (phase_ != Phase::draining) return;
  const bool fetched = dispatcher_.fetches().in_flight() == 0 || now >= drain_until_;
  const bool stored =
      dispatcher_.store().idle() || !dispatcher_.store().up() || now >= drain_until_ + store_limit;
  if (!fetched || !stored) return;
  phase_ = Phase::stopping;
  parts_.ingress.stop([self = shared_from_this()] {
    self->completed([self = self.get()](Timestamp) {
      assert(self->phase_ == Phase::stopping);
      self->accepting_ = false;
      self->stopped();
    });
  });
}

// Completions that come from now on are dropped: what they bring is in the queue for the next run.
void Pipeline::Driver::stopped() {
  calls_.close_and_wait();
  phase_ = Phase::stopped;
  for (auto& done : std::exchange(stop_done_, {})) answers_.push_back(std::move(done));
}

std::vector<StuckRow> Pipeline::Driver::stuck_rows(std::size_t limit) const {
  std::vector<StuckRow> named;
  dispatcher_.store().stuck().name_some(named, limit, false);
  dispatcher_.stuck_deletes().name_some(named, limit, true);
  return named;
}

Timestamp Pipeline::Driver::stuck_since() const {
  return std::min(dispatcher_.store().stuck().oldest(), dispatcher_.stuck_deletes().oldest());
}

// A row that is locked for a moment is not reported.
void Pipeline::Driver::report_stuck_rows(Timestamp now) {
  const Timestamp since = stuck_since();
  const bool any = since != Timestamp::max();
  if (rows_were_stuck_ ? any : !any || now < since + stuck_reported_after) return;
  rows_were_stuck_ = any;
  if (!any) {
    return log_(LogLevel::info, "store: no row is refused or locked any more");
  }
  const auto count = dispatcher_.store().stuck().size() + dispatcher_.stuck_deletes().size();
  const auto named = stuck_rows(1);
  const auto& row =
      *std::min_element(named.begin(), named.end(),
                        [](const StuckRow& a, const StuckRow& b) { return a.since < b.since; });
  log_(LogLevel::warning, "store: " + std::to_string(count) + (count == 1 ? " row" : " rows") +
                              " cannot be written or deleted; the others go on. Id " +
                              std::to_string(row.id) + (row.deleting ? ", to delete: " : ": ") +
                              row.code + " " + row.reason);
}

void Pipeline::Driver::report_changes(Timestamp now) {
  report_stuck_rows(now);
  const bool up = dispatcher_.store().up();
  if (up != std::exchange(store_was_up_, up)) {
    log_(up ? LogLevel::info : LogLevel::warning,
         up ? "store: accepts changes again; applying what waited"
            : "store: does not accept changes; callbacks are still accepted");
  }
  const core::FetchStage& fetches = dispatcher_.fetches();
  const bool silent = fetches.source_silent(now);
  if (silent != std::exchange(source_was_silent_, silent)) {
    log_(silent ? LogLevel::warning : LogLevel::info,
         silent                     ? "source: no answers; trying once a second"
         : fetches.breaker().open() ? "source: nothing is left to fetch; it is unknown whether it "
                                      "answers"
                                    : "source: answers again");
  }
}

// A burst that is processed at once is not reported.
void Pipeline::Driver::report_behind(Timestamp now) {
  const auto since = dispatcher_.behind_since();
  const bool behind = since < now - behind_after;
  if (behind == was_behind_ || (!behind && since != Timestamp::max())) return;
  was_behind_ = behind;
  const auto ids = std::to_string(dispatcher_.waiting_ids());
  log_(behind ? LogLevel::warning : LogLevel::info,
       behind ? "behind: more is received than the source answers; " + ids +
                    " ids wait in the queue only, those older than the ttl will end as expired"
              : std::string("no longer behind: no id waits in the queue only"));
}

void Pipeline::Driver::publish(Timestamp now) {
  const core::Counters& counters = dispatcher_.counters();
  PipelineStatus status;
  status.stored = counters.stored;
  status.merged = counters.merged;
  status.not_found = counters.not_found;
  status.expired = counters.expired;
  status.dead = counters.dead;
  status.pending = counters.pending;
  status.fetches = counters.fetches;
  status.fetch_failures = counters.fetch_failures;
  status.fetches_in_flight = dispatcher_.fetches().in_flight();
  status.fetch_limit = dispatcher_.fetches().limit();
  status.touches = counters.touches;
  status.deleted = counters.deleted;
  status.carried = counters.requeued;
  status.store_failures = counters.store_failures;
  status.ids_in_queue_only = dispatcher_.waiting_ids();
  status.behind_since = std::min(now, dispatcher_.behind_since());
  status.oldest_in_queue_only = std::min(now, dispatcher_.oldest_waiting());
  status.stuck_rows = dispatcher_.store().stuck().size();
  status.stuck_deletes = dispatcher_.stuck_deletes().size();
  status.stuck = stuck_rows(stuck_rows_named);
  status.stuck_since = stuck_since();
  status.known_ids = dispatcher_.known_ids();
  status.touches_waiting = dispatcher_.store().touches_waiting();
  status.answers_waiting = dispatcher_.store().outcomes_waiting();
  status.retries_waiting = dispatcher_.fetches().waiting();
  status.source_open = dispatcher_.fetches().source_silent(now);
  status.fetch_news = dispatcher_.fetches().news();
  status.newest_dead = dispatcher_.fetches().newest_dead();
  status.store_up = dispatcher_.store_up();
  status.watermark = dispatcher_.watermark();
  status.oldest_pending = dispatcher_.oldest_pending();
  const auto waiting = dispatcher_.oldest_by_cause();
  status.oldest_waiting = {std::min(now, waiting.fetch), std::min(now, waiting.backoff),
                           std::min(now, waiting.store), std::min(now, waiting.touch)};
  const auto retries = [&](core::FetchEnd end) {
    return counters.retries[static_cast<std::size_t>(end)];
  };
  status.fetch_retries = {retries(core::FetchEnd::timeout), retries(core::FetchEnd::unreachable),
                          retries(core::FetchEnd::refused)};
  status.now = now;
  const std::lock_guard lock(status_mutex_);
  status_ = std::move(status);
  delivered_ids_ = counters.delivered;
  durations_ = counters.durations;
}

PipelineStatus Pipeline::Driver::status() const {
  PipelineStatus status;
  core::Durations durations;
  {
    // The pipeline's part first: what the queue has counted by then and has not delivered yet is
    // pending, too. Both are read under one lock, so the identity of S8 holds in every result.
    const std::lock_guard lock(status_mutex_);
    status = status_;
    durations = durations_;
    status.queue = parts_.queue.progress();
    status.queue_statistics = parts_.queue.statistics();
    status.accepted_callbacks = status.queue.accepted_callbacks;
    status.accepted_ids = status.queue.accepted_ids;
    status.pending += status.accepted_ids - delivered_ids_;
  }
  show(durations, status);
  return status;
}

void Pipeline::Driver::progress(Receipt receipt, ProgressDone done) {
  post([this, receipt, done = std::move(done)](Timestamp) {
    const QueueProgress queue = parts_.queue.progress();
    if (receipt.queue != queue.queue || receipt.sequence == 0 ||
        receipt.sequence > queue.last_durable) {
      return answers_.push_back([done] { done(Progress::unknown); });
    }
    const bool pending =
        receipt.sequence > dispatcher_.last_delivered() || dispatcher_.pending(receipt.sequence);
    answers_.push_back([done, pending] { done(pending ? Progress::pending : Progress::applied); });
  });
}

}  // namespace postoffice
