#include "rabbitmq/consumer.hpp"

#include <cassert>
#include <utility>

#include "postoffice/error.hpp"
#include "rabbitmq/options.hpp"

namespace postoffice::rabbitmq {
namespace {

// For the broker to hear of the last acknowledgement.
constexpr auto farewell_limit = std::chrono::milliseconds(500);

}  // namespace

Consumer::Consumer(const RabbitOptions& options, int shard, std::uint64_t own_session,
                   const Clock& clock, Log log)
    : BrokerSession(session_settings(options, shard_name(options.prefix, shard), std::move(log))),
      options_(options),
      queue_(shard_name(options.prefix, shard)),
      dead_(dead_name(options.prefix)),
      buffer_(own_session, static_cast<std::size_t>(options.prefetch), clock) {
  start();
}

Consumer::~Consumer() {
  {
    const LockGuard lock(mutex_);
    leaving_ = true;
    wake();
    const auto until = std::chrono::steady_clock::now() + farewell_limit;
    while (leaving_ && report_.connected() && std::chrono::steady_clock::now() < until) {
      left_.wait_until(mutex_, until);
    }
  }
  stop();
  Queue::ReadDone done;
  {
    const LockGuard lock(mutex_);
    done = std::exchange(read_, nullptr);
  }
  if (done) done(Error::stopped, {});
}

void Consumer::read(std::size_t ids_max, Queue::ReadDone done) {
  const LockGuard lock(mutex_);
  if (stopping()) {
    const Unlocked unlocked(mutex_);
    return done(Error::stopped, {});
  }
  ids_max_ = ids_max;
  read_ = std::move(done);
  deliver();
}

/// A completion may call read() again; the outermost call then goes on, so the stack stays flat.
void Consumer::deliver() {
  while (read_ && !delivering_ && buffer_.ready()) {
    delivering_ = true;
    auto done = std::exchange(read_, nullptr);
    auto delivery = buffer_.pop(ids_max_);
    {
      const Unlocked unlocked(mutex_);
      done({}, std::move(delivery));
      done = nullptr;
    }
    assert(delivering_);
    buffer_.handed();
    delivering_ = false;
  }
}

void Consumer::acknowledge(Sequence up_to) {
  {
    const LockGuard lock(mutex_);
    buffer_.acknowledge(up_to);
  }
  wake();
}

QueueProgress Consumer::progress() const {
  const LockGuard lock(mutex_);
  return buffer_.progress();
}

QueueStatistics Consumer::statistics() const {
  const LockGuard lock(mutex_);
  auto result = buffer_.statistics();
  result.writable = report_.connected();
  return result;
}

RabbitQueueStatus Consumer::details() const {
  RabbitQueueStatus status;
  {
    const LockGuard lock(mutex_);
    status = report_.status(std::chrono::steady_clock::now());
    status.unacknowledged = buffer_.unacknowledged();
  }
  status.connects = connects();
  status.trouble = why_disconnected();
  return status;
}

void Consumer::nobody_before(std::uint64_t session) {
  const LockGuard lock(mutex_);
  if (!serving_ || sessions_ != session) return;
  gaps_.nobody_between();
  note_missing();
}

std::uint64_t Consumer::session() const {
  const LockGuard lock(mutex_);
  return sessions_;
}

std::vector<std::uint64_t> Consumer::heard_before(Timestamp as_of) const {
  const LockGuard lock(mutex_);
  return buffer_.watermarks().heard_before(as_of);
}

std::vector<std::uint64_t> Consumer::departed(Timestamp applied) const {
  const LockGuard lock(mutex_);
  return buffer_.watermarks().departed(applied);
}

void Consumer::forget(std::uint64_t publisher) {
  const LockGuard lock(mutex_);
  buffer_.watermarks().forget(publisher);
}

std::error_code Consumer::append_held(const std::function<std::error_code(Sequence&)>& append) {
  const LockGuard lock(mutex_);
  Sequence sequence = 0;
  const auto error = append(sequence);
  if (!error) buffer_.hold(sequence);
  return error;
}

void Consumer::released(Sequence sequence) {
  const LockGuard lock(mutex_);
  buffer_.release(sequence);
  deliver();
}

void Consumer::released_requeued(Sequence sequence, Timestamp stamp,
                                 std::span<const ObjectId> ids) {
  const LockGuard lock(mutex_);
  buffer_.release_requeued(sequence, stamp, ids);
  deliver();
}

Failure Consumer::set_up(Connection& connection) {
  auto& channel = connection.channel();
  if (auto failure = declare(channel, options_.prefix, {queue_}, existing_)) return failure;
  tell(existing_.notes);
  return channel.consume(queue_, options_.prefetch);
}

void Consumer::connected(SteadyTime now) {
  watch_.begin(now);
  proven();
  const LockGuard lock(mutex_);
  buffer_.begin_channel();
  report_.set_connected(true);
  serving_ = false;
}

SteadyTime Consumer::step(Connection& connection, SteadyTime now) {
  if (now >= watch_.next_question()) ask(connection, now);
  for (const auto tag : rejected_) put_reject(tag, connection.out());
  rejected_.clear();
  const LockGuard lock(mutex_);
  deliver();
  if (const auto tag = buffer_.acknowledgeable()) put_acknowledge(*tag, connection.out());
  if (leaving_ && !watch_.has_asked_last()) {
    put_question(queue_, connection.out());
    watch_.asked_last();
  }
  return watch_.next_question();
}

void Consumer::ask(Connection& connection, SteadyTime now) {
  const auto inquiry = watch_.check(now, may_be_silent());
  if (inquiry.give_up != nullptr) give_up(inquiry.give_up);
  if (!inquiry.ask) return;
  put_question(queue_, connection.out());
  put_question(dead_, connection.out());
  watch_.asked();
}

/// When a queue is deleted and declared again at once, RabbitMQ 3.10 may keep the consumer, count
/// messages as delivered, and drop them on their way. Silence is lawful when the window is full or
/// no publisher is left; then a new connection is made once, since only a channel that has brought
/// something counts.
bool Consumer::may_be_silent() const {
  const LockGuard lock(mutex_);
  return !serving_ || buffer_.unacknowledged() >= static_cast<std::size_t>(options_.prefetch);
}

void Consumer::on_answer(const QueueAnswer& answer) {
  if (answer.queue == dead_) {
    const LockGuard lock(mutex_);
    return report_.dead(answer.messages, std::chrono::steady_clock::now());
  }
  const auto verdict = watch_.answered(answer.consumers);
  if (verdict.was_last) {
    const LockGuard lock(mutex_);
    leaving_ = false;
    left_.notify_all();
  }
  if (verdict.give_up != nullptr) give_up(verdict.give_up);
}

/// What was not handed over comes again; nobody is to wait for it here.
void Consumer::disconnected() {
  rejected_.clear();
  const LockGuard lock(mutex_);
  buffer_.begin_channel();
  report_.set_connected(false);
  left_.notify_all();
}

void Consumer::begin_serving() {
  if (std::exchange(serving_, true)) return;
  ++sessions_;
  gaps_.begin_channel();
}

void Consumer::on_deliver(std::uint64_t tag, bool redelivered, std::string_view label, Bytes body) {
  watch_.delivered(std::chrono::steady_clock::now());
  const LockGuard lock(mutex_);
  begin_serving();
  if (redelivered) report_.redelivered();
  if (buffer_.add(body)) return look_for_gaps(redelivered, label, body);
  reject(tag, "a message of " + std::to_string(body.size()) + " bytes that cannot be read");
}

void Consumer::on_huge(std::uint64_t tag, std::uint64_t size) {
  watch_.delivered(std::chrono::steady_clock::now());
  const LockGuard lock(mutex_);
  begin_serving();
  buffer_.add_unreadable();
  reject(tag, "a message of " + std::to_string(size) + " bytes, too large for Postoffice,");
}

void Consumer::look_for_gaps(bool redelivered, std::string_view label, Bytes body) {
  const auto place = parse_place(label);
  if (!place) return;  // of an older publisher, or requeued by a worker
  const auto header = header_of(body);
  gaps_.hear(header.publisher, header.session, *place, is_callback(header.type), redelivered);
  note_missing();
}

void Consumer::note_missing() {
  const auto more = report_.missing(gaps_.missing(), std::chrono::steady_clock::now());
  if (more == 0) return;
  say(LogLevel::error,
      std::to_string(more) +
          " messages that the broker had confirmed never came, so far: a policy (max-length, "
          "message-ttl, expires) drops them, or somebody purges, deletes or reads the queue; see "
          "rabbitmqctl list_policies");
}

void Consumer::reject(std::uint64_t tag, const std::string& why) {
  const auto what = why + " went to " + dead_;
  report_.rejected(what, std::chrono::steady_clock::now());
  rejected_.push_back(tag);
  say(LogLevel::error, what);
}

}  // namespace postoffice::rabbitmq
