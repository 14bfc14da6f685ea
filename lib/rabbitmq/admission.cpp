#include "rabbitmq/admission.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace postoffice::rabbitmq {
namespace {

Sequence first_sequence(Clock& clock) {
  return static_cast<Sequence>(std::max<std::int64_t>(clock.now().time_since_epoch().count(), 0));
}

}  // namespace

Admission::Admission(const RabbitOptions& options, const std::vector<std::string>& queues,
                     std::uint64_t session, bool ticks, Clock& clock)
    : confirm_timeout_(options.confirm_timeout),
      shards_(queues.size()),
      ticks_(ticks),
      clock_(clock),
      line_({options.publisher, session, ticks}, queues, first_sequence(clock)),
      state_(ticks, {options.window_max, options.window_max * shards_, options.buffer_bytes_max}) {}

Admission::Answer Admission::append(std::span<const ObjectId> ids, std::optional<Timestamp> stamp,
                                    Queue::AppendDone& done) {
  const auto due = std::chrono::steady_clock::now() + confirm_timeout_;
  const LockGuard lock(mutex_);
  if (const auto error = refusal(!stamp)) {
    report_.refused();
    return {error};
  }
  report_.taken();
  const auto kind = stamp ? Kind::carried : Kind::callback;
  const auto received = stamp ? *stamp : line_.stamp(clock_.now());
  const auto sequence = line_.put(kind, received, ids, std::move(done), due);
  return {{}, sequence, std::exchange(asleep_, false)};
}

std::error_code Admission::refusal(bool needs_stamp) const {
  return state_.refusal(
      needs_stamp, {report_.unconfirmed(), progress_.messages, line_.bytes() + progress_.unsent});
}

void Admission::set_frontier(std::function<Timestamp()> frontier) {
  const LockGuard lock(mutex_);
  frontier_ = std::move(frontier);
}

void Admission::hush(bool hushed) {
  const LockGuard lock(mutex_);
  state_.set_hushed(hushed);
}

bool Admission::say_goodbye(const std::function<void()>& done) {
  std::function<Timestamp()> frontier;
  {
    const LockGuard lock(mutex_);
    frontier = frontier_;
  }
  const auto told = frontier ? frontier() : Timestamp{};
  std::vector<std::size_t> all(shards_);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto due = std::chrono::steady_clock::now() + 2 * confirm_timeout_;
  const LockGuard lock(mutex_);
  state_.stop();
  if (!state_.may_say_goodbye()) return false;
  line_.put_ticks(
      Kind::goodbye, line_.last_stamp(told), all,
      [done](std::error_code, const Receipt&) { done(); }, due);
  return true;
}

bool Admission::writable() const {
  const LockGuard lock(mutex_);
  return !refusal(ticks_);
}

RabbitPublisherStatus Admission::status() const {
  const LockGuard lock(mutex_);
  auto status = report_.status(std::chrono::steady_clock::now());
  status.connected = state_.ready();
  status.blocked = state_.blocked();
  status.refusing = refusals_.lasts();
  return status;
}

void Admission::opened() {
  const LockGuard lock(mutex_);
  state_.opened();
}

void Admission::closed(PublishLine::Batch& batch) {
  const LockGuard lock(mutex_);
  state_.closed();
  refusals_.connection_ended();
  line_.numbers().end_connection();
  line_.swap(batch);
}

void Admission::look(const Progress& progress) {
  const LockGuard lock(mutex_);
  progress_ = progress;
  line_.set_frame_max(progress.frame_max);
}

bool Admission::needs_full_round() const {
  const LockGuard lock(mutex_);
  return refusals_.on_this_connection() || !state_.ready();
}

/// What `frontier_` says must be known before the tick's place in line.
void Admission::tick(const std::vector<std::size_t>& shards, SteadyTime now) {
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
  line_.put_ticks(Kind::tick, stamp, shards, {}, now + confirm_timeout_);
}

void Admission::pop_line(PublishLine::Batch& batch) {
  const LockGuard lock(mutex_);
  line_.swap(batch);
}

SteadyTime Admission::sleep(SteadyTime now, SteadyTime next) {
  const LockGuard lock(mutex_);
  asleep_ = line_.empty();
  return asleep_ ? std::min(next, refusals_.next_renewal()) : now;
}

void Admission::confirmed(std::uint64_t tag, bool multiple) {
  const LockGuard lock(mutex_);
  line_.numbers().confirm(tag, multiple);
}

bool Admission::refused(std::uint64_t tag, bool multiple, SteadyTime now) {
  const LockGuard lock(mutex_);
  line_.numbers().refuse(tag, multiple);
  return refusals_.refused(now);
}

void Admission::returned() {
  const LockGuard lock(mutex_);
  report_.returned();
  line_.numbers().doubt_all();
}

void Admission::set_blocked(bool blocked) {
  const LockGuard lock(mutex_);
  state_.set_blocked(blocked);
}

bool Admission::blocked() const {
  const LockGuard lock(mutex_);
  return state_.blocked();
}

bool Admission::renew(SteadyTime now) {
  const LockGuard lock(mutex_);
  return refusals_.renew(now);
}

void Admission::dead(std::uint64_t messages, SteadyTime now) {
  const LockGuard lock(mutex_);
  report_.dead(messages, now);
}

bool Admission::lost(std::uint64_t messages, SteadyTime now) {
  const LockGuard lock(mutex_);
  return report_.lost(messages, now);
}

Admission::News Admission::judge(const std::vector<Ended>& all, SteadyTime now) {
  const LockGuard lock(mutex_);
  const bool was_ready = state_.ready();
  bool passed = ticks_;
  for (const Ended& ended : all) {
    judge(ended);
    report_.ended(ended, state_.open(), now);
    passed = passed || !ended.error;
  }
  const bool takes = state_.ready() && passed;
  return {state_.ready() && !was_ready, takes && refusals_.over()};
}

/// A round of fewer shards says nothing of the others. The hello is confirmed before anything that
/// follows it.
void Admission::judge(const Ended& ended) {
  const auto& sent = ended.sent;
  if (ended.error) return;
  if (!ticks_) refusals_.passed();
  if (sent.kind != Kind::tick || !state_.open() || sent.messages != shards_) return;
  state_.greeted();
  refusals_.passed_everywhere(sent.due - confirm_timeout_);
}

}  // namespace postoffice::rabbitmq
