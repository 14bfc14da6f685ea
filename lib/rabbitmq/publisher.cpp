#include "rabbitmq/publisher.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "codec/id_sort.hpp"
#include "postoffice/error.hpp"
#include "rabbitmq/options.hpp"

namespace postoffice::rabbitmq {
namespace {

std::vector<std::string> queue_names(const std::string& prefix, const std::vector<int>& shards) {
  std::vector<std::string> queues;
  for (const int shard : shards) queues.push_back(shard_name(prefix, shard));
  return queues;
}

Sequence first_sequence(Clock& clock) {
  return static_cast<Sequence>(std::max<std::int64_t>(clock.now().time_since_epoch().count(), 0));
}

PublisherState::Load limits(const RabbitOptions& options, std::size_t shards) {
  return {options.window_max, options.window_max * shards, options.buffer_bytes_max};
}

}  // namespace

Publisher::Publisher(const RabbitOptions& options, const std::vector<int>& shards,
                     std::uint64_t session, Ticks ticks, Clock& clock, Log log)
    : BrokerSession(session_settings(options, "publisher", std::move(log))),
      options_(options),
      queues_(queue_names(options.prefix, shards)),
      ticks_(ticks == Ticks::yes),
      clock_(clock),
      line_({options.publisher, session, ticks_}, queues_, first_sequence(clock)),
      state_(ticks_, limits(options, shards.size())),
      pace_(shards.size(), options.tick),
      inspector_(shards.size()) {
  start();
}

Publisher::~Publisher() {
  stop();
  disconnected();
}

std::error_code Publisher::append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp,
                                  Queue::AppendDone& done, Sequence* sequence) {
  thread_local std::vector<ObjectId> scratch;
  const auto sorted = codec::sort_ids(ids, scratch);
  const auto due = std::chrono::steady_clock::now() + options_.confirm_timeout;
  bool asleep = false;
  {
    const LockGuard lock(mutex_);
    if (const auto refused = refusal(!stamp)) {
      report_.refused();
      return refused;
    }
    report_.taken();
    const auto kind = stamp ? Kind::carried : Kind::callback;
    const auto received = stamp ? *stamp : line_.stamp(clock_.now());
    const auto given = line_.put(kind, received, sorted, std::move(done), due);
    if (sequence != nullptr) *sequence = given;
    asleep = std::exchange(asleep_, false);
  }
  if (asleep) wake();
  return {};
}

std::error_code Publisher::refusal(bool needs_stamp) const {
  if (stopping()) return Error::stopped;
  return state_.refusal(needs_stamp, {report_.unconfirmed(), messages_, line_.bytes() + unsent_});
}

void Publisher::set_frontier(std::function<Timestamp()> frontier) {
  const LockGuard lock(mutex_);
  frontier_ = std::move(frontier);
}

void Publisher::hush(bool hushed) {
  const LockGuard lock(mutex_);
  state_.set_hushed(hushed);
}

void Publisher::say_goodbye(std::function<void()> done) {
  std::function<Timestamp()> frontier;
  {
    const LockGuard lock(mutex_);
    frontier = frontier_;
  }
  const auto told = frontier ? frontier() : Timestamp{};
  {
    const LockGuard lock(mutex_);
    state_.stop();
    if (state_.may_say_goodbye()) {
      std::vector<std::size_t> all(queues_.size());
      std::iota(all.begin(), all.end(), std::size_t{0});
      line_.put_ticks(
          Kind::goodbye, line_.last_stamp(told), all,
          [done](std::error_code, const Receipt&) { done(); },
          std::chrono::steady_clock::now() + 2 * options_.confirm_timeout);
      done = nullptr;
    }
  }
  if (done) return done();
  wake();
}

bool Publisher::writable() const {
  const LockGuard lock(mutex_);
  return !refusal(ticks_);
}

RabbitPublisherStatus Publisher::status() const {
  RabbitPublisherStatus status;
  {
    const LockGuard lock(mutex_);
    status = report_.status(std::chrono::steady_clock::now());
    status.connected = state_.ready();
    status.blocked = state_.blocked();
    status.refusing = refusals_.lasts();
  }
  status.publisher = options_.publisher;
  status.connects = connects();
  status.trouble = why_disconnected();
  return status;
}

bool Publisher::set_up(Connection& connection, std::string& reason) {
  if (!declare(connection.channel(), options_.prefix, queues_, existing_, reason)) return false;
  tell(existing_.notes);
  return connection.channel().confirm_publishing(reason);
}

void Publisher::connected(SteadyTime now) {
  if (!ticks_) proven();
  pace_.begin(now);
  inspector_.begin(now);
  stall_.progress(now);
  const LockGuard lock(mutex_);
  state_.opened();
}

SteadyTime Publisher::step(Connection& connection, SteadyTime now) {
  {
    const LockGuard lock(mutex_);
    line_.set_frame_max(connection.frame_max());
    unsent_ = connection.unsent();
    messages_ = window_.messages();
  }
  if (ticks_ && now >= pace_.next()) tick(now);
  send_line(connection, now);
  if (ticks_) ask(connection, now);
  window_.overdue(now, ended_);
  finish();
  look_for_stall(now);
  renew_if_refused(now);
  return next_step(now);
}

SteadyTime Publisher::next_step(SteadyTime now) {
  auto next = std::min(window_.next_due(), stall_.next());
  if (ticks_) next = std::min({next, pace_.next(), inspector_.next_question()});
  const LockGuard lock(mutex_);
  asleep_ = line_.empty();
  return asleep_ ? std::min(next, refusals_.next_renewal()) : now;
}

/// At the beginning and after a refusal to all shards at once: only a round that passes everywhere
/// shows that all have heard of this publisher, and that none is full. What `frontier_` says must
/// be known before the tick's place in line.
void Publisher::tick(SteadyTime now) {
  bool all = false;
  {
    const LockGuard lock(mutex_);
    all = refusals_.on_this_connection() || !state_.ready();
  }
  const auto shards = pace_.round(all, now);
  std::function<Timestamp()> frontier;
  {
    const LockGuard lock(mutex_);
    if (!state_.may_tick()) return;
    frontier = frontier_;
  }
  const auto told = frontier ? frontier() : Timestamp{};
  const LockGuard lock(mutex_);
  if (!state_.may_tick()) return;
  const auto stamp = line_.stamp(frontier ? told : clock_.now());
  line_.put_ticks(Kind::tick, stamp, shards, {}, now + options_.confirm_timeout);
}

void Publisher::send_line(Connection& connection, SteadyTime now) {
  assert(batch_.sent.empty() && batch_.bytes.empty());
  {
    const LockGuard lock(mutex_);
    line_.swap(batch_);
  }
  if (batch_.sent.empty()) return;
  if (window_.empty()) stall_.progress(now);
  auto& out = connection.out();
  if (out.empty()) {
    std::swap(out, batch_.bytes);
  } else {
    out.insert(out.end(), batch_.bytes.begin(), batch_.bytes.end());
  }
  move_to_window();
}

void Publisher::move_to_window() {
  for (auto& sent : batch_.sent) window_.add(std::move(sent));
  batch_.sent.clear();
  batch_.bytes.clear();
}

void Publisher::ask(Connection& connection, SteadyTime now) {
  if (!inspector_.ask(now, window_.confirmed(), window_.messages())) return;
  for (const auto& queue : queues_) put_question(queue, connection.out());
  put_question(dead_name(options_.prefix), connection.out());
}

void Publisher::on_answer(const QueueAnswer& answer) {
  const auto now = std::chrono::steady_clock::now();
  const auto finding = inspector_.hear(answer);
  if (finding.shard) pace_.consumed(*finding.shard, finding.consumed, now);
  if (finding.dead) {
    const LockGuard lock(mutex_);
    report_.dead(*finding.dead, now);
  }
  if (finding.lost > 0) tell_lost(finding.lost);
}

void Publisher::tell_lost(std::uint64_t messages) {
  {
    const LockGuard lock(mutex_);
    if (!report_.lost(messages, std::chrono::steady_clock::now())) return;
  }
  say(LogLevel::error,
      "messages that the broker had confirmed are gone from queues that nobody consumes, " +
          std::to_string(messages) +
          " so far: a policy (max-length, message-ttl, expires) drops them, or somebody purges or "
          "reads these queues");
}

void Publisher::on_confirm(std::uint64_t tag, bool multiple) {
  stall_.progress(std::chrono::steady_clock::now());
  window_.confirm(tag, multiple, ended_);
  const LockGuard lock(mutex_);
  line_.numbers().confirm(tag, multiple);
}

void Publisher::on_nack(std::uint64_t tag, bool multiple) {
  const auto now = std::chrono::steady_clock::now();
  stall_.progress(now);
  bool is_news = false;
  {
    const LockGuard lock(mutex_);
    is_news = refusals_.refused(now);
    line_.numbers().refuse(tag, multiple);
  }
  if (is_news) {
    say(LogLevel::warning,
        std::string("the broker refuses messages (nack): a queue has reached its limit") +
            (ticks_ ? "; callbacks get 503" : "; what is requeued is tried again"));
  }
  window_.nack(tag, multiple, ended_);
}

/// The confirm that follows a return says only that the broker has dealt with the message.
void Publisher::on_return(Bytes body) {
  thread_local std::vector<ObjectId> ids;
  ids.clear();
  const auto header = decode_message(body, ids);
  if (header) window_.returned(header->sequence, ended_);
  {
    const LockGuard lock(mutex_);
    report_.returned();
    line_.numbers().doubt_all();
  }
  give_up("a queue is gone; declaring it again");
}

void Publisher::on_blocked(bool blocked) {
  {
    const LockGuard lock(mutex_);
    state_.set_blocked(blocked);
  }
  stall_.progress(std::chrono::steady_clock::now());
  say(blocked ? LogLevel::warning : LogLevel::info,
      blocked ? "blocked: the broker has no memory or disk left"
              : "the broker takes messages again");
}

void Publisher::look_for_stall(SteadyTime now) {
  if (window_.empty()) stall_.progress(now);
  if (!stall_.stalled(now)) return;
  {
    const LockGuard lock(mutex_);
    if (state_.blocked()) return;
  }
  give_up("the broker confirms nothing");
}

void Publisher::renew_if_refused(SteadyTime now) {
  {
    const LockGuard lock(mutex_);
    if (!refusals_.renew(now)) return;
  }
  give_up("it refuses messages; perhaps not on another channel");
}

void Publisher::disconnected() {
  assert(batch_.sent.empty());
  {
    const LockGuard lock(mutex_);
    state_.closed();
    refusals_.connection_ended();
    line_.numbers().end_connection();
    line_.swap(batch_);
  }
  move_to_window();
  window_.fail_all(stopping() ? Error::stopped : Error::not_durable, ended_);
  finish();
}

void Publisher::finish() {
  if (ended_.empty()) return;
  judge_ended(std::chrono::steady_clock::now());
  for (auto& [sent, error, nacked] : ended_) {
    if (!sent.done) continue;
    sent.done(error, {options_.publisher, sent.sequence, sent.stamp});
  }
  ended_.clear();
}

void Publisher::judge_ended(SteadyTime now) {
  bool greeted = false, is_over = false;
  {
    const LockGuard lock(mutex_);
    const bool was_ready = state_.ready();
    bool passed = ticks_;
    for (const Ended& ended : ended_) {
      judge(ended);
      report_.ended(ended, state_.open(), now);
      passed = passed || !ended.error;
    }
    greeted = state_.ready() && !was_ready;
    is_over = state_.ready() && passed && refusals_.over();
  }
  if (greeted) proven();
  if (is_over) say(LogLevel::info, "the broker takes messages again");
}

/// A round of fewer shards says nothing of the others. The hello is confirmed before anything that
/// follows it.
void Publisher::judge(const Ended& ended) {
  const auto& sent = ended.sent;
  if (ended.error) return;
  if (!ticks_) refusals_.passed();
  if (sent.kind != Kind::tick || !state_.open() || sent.messages != queues_.size()) return;
  state_.greeted();
  refusals_.passed_everywhere(sent.due - options_.confirm_timeout);
}

}  // namespace postoffice::rabbitmq
