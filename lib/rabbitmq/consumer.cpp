#include "rabbitmq/consumer.hpp"

#include <utility>

#include "postoffice/error.hpp"
#include "rabbitmq/options.hpp"

namespace postoffice::rabbitmq {
namespace {

// A queue that was deleted and declared again forgets its consumers, and does not always say so.
constexpr auto question_every = std::chrono::seconds(2);
constexpr int answers_believed = 2;
constexpr int answers_awaited = 3;

// For the broker to hear of the last acknowledgement.
constexpr auto farewell_limit = std::chrono::milliseconds(500);

// What went to the dead queue is told for so long.
constexpr auto told_for = std::chrono::minutes(10);

// Publishers tick several times a second.
constexpr auto silence_limit = std::chrono::seconds(4);

}  // namespace

Consumer::Consumer(const RabbitOptions& options, int shard, std::uint64_t own_session, Log log)
    : BrokerSession(session_settings(options, shard_name(options.prefix, shard), std::move(log))),
      options_(options),
      queue_(shard_name(options.prefix, shard)),
      dead_(dead_name(options.prefix)),
      buffer_(own_session, static_cast<std::size_t>(options.prefetch)) {
  start();
}

Consumer::~Consumer() {
  Lock lock(mutex_);
  leaving_ = true;
  wake();
  left_.wait_for(lock, farewell_limit, [this] { return !leaving_ || !counters_.connected; });
  lock.unlock();
  stop();
  lock.lock();
  auto done = std::exchange(read_, nullptr);
  lock.unlock();
  if (done) done(Error::stopped, {});
}

void Consumer::read(std::size_t ids_max, Queue::ReadDone done) {
  Lock lock(mutex_);
  ids_max_ = ids_max;
  read_ = std::move(done);
  deliver(lock);
}

/// A completion may call read() again; the outermost call then goes on, so the stack stays flat.
void Consumer::deliver(Lock& lock) {
  while (read_ && !delivering_ && buffer_.ready()) {
    delivering_ = true;
    auto done = std::exchange(read_, nullptr);
    auto delivery = buffer_.pop(ids_max_);
    lock.unlock();
    done({}, std::move(delivery));
    lock.lock();
    buffer_.handed();
    delivering_ = false;
  }
}

void Consumer::acknowledge(Sequence up_to) {
  {
    const std::lock_guard lock(mutex_);
    buffer_.acknowledge(up_to);
  }
  wake();
}

void Consumer::fill(QueueStatus& status) const {
  const std::lock_guard lock(mutex_);
  buffer_.fill(status);
  status.writable = counters_.connected;
}

RabbitQueueStatus Consumer::details() const {
  RabbitQueueStatus status;
  {
    const std::lock_guard lock(mutex_);
    status = counters_;
    status.unacknowledged = buffer_.unacknowledged();
    const auto now = std::chrono::steady_clock::now();
    status.dead_grows = dead_grew_ && now < *dead_grew_ + told_for;
    if (missing_since_ && now < missing_at_ + told_for) {
      status.missing_for = std::chrono::ceil<std::chrono::seconds>(now - *missing_since_);
    }
    if (!rejected_at_ || now >= *rejected_at_ + told_for) status.rejected_last.clear();
  }
  status.connects = connects();
  status.trouble = why_disconnected();
  return status;
}

void Consumer::nobody_before(std::uint64_t session) {
  const std::lock_guard lock(mutex_);
  if (!serving_ || sessions_ != session) return;
  gaps_.nobody_between();
  note_missing();
}

std::uint64_t Consumer::session() const {
  const std::lock_guard lock(mutex_);
  return sessions_;
}

std::vector<std::uint64_t> Consumer::departed(Timestamp applied) const {
  const std::lock_guard lock(mutex_);
  return buffer_.watermarks().departed(applied);
}

void Consumer::forget(std::uint64_t publisher) {
  const std::lock_guard lock(mutex_);
  buffer_.watermarks().forget(publisher);
}

std::error_code Consumer::append_held(const std::function<std::error_code(Sequence&)>& append) {
  const std::lock_guard lock(mutex_);
  Sequence sequence = 0;
  const auto error = append(sequence);
  if (!error) buffer_.hold(sequence);
  return error;
}

void Consumer::released(Sequence sequence) {
  Lock lock(mutex_);
  buffer_.release(sequence);
  deliver(lock);
}

void Consumer::released_carried(Sequence sequence, Timestamp stamp, std::span<const ObjectId> ids) {
  Lock lock(mutex_);
  buffer_.release_requeued(sequence, stamp, ids);
  deliver(lock);
}

bool Consumer::set_up(Connection& connection, std::string& reason) {
  if (!declare(connection.channel(), options_.prefix, {queue_}, existing_, reason)) return false;
  tell(existing_.notes);
  return connection.channel().consume(queue_, options_.prefetch, reason);
}

void Consumer::connected(SteadyTime now) {
  next_question_ = now + question_every;
  unanswered_ = alone_ = 0;
  asked_ = answered_ = farewell_ = 0;
  proven();
  const std::lock_guard lock(mutex_);
  buffer_.begin_channel();
  counters_.connected = true;
  serving_ = false;
}

SteadyTime Consumer::step(Connection& connection, SteadyTime now) {
  if (now >= next_question_) ask(connection, now);
  for (const auto tag : rejected_) put_reject(tag, connection.out());
  rejected_.clear();
  Lock lock(mutex_);
  deliver(lock);
  if (const auto tag = buffer_.acknowledgeable()) put_acknowledge(*tag, connection.out());
  if (leaving_ && farewell_ == 0) {
    put_question_now(connection);
    farewell_ = asked_;
  }
  return next_question_;
}

void Consumer::ask(Connection& connection, SteadyTime now) {
  next_question_ = now + question_every;
  if (++unanswered_ > answers_awaited) give_up("the queue does not answer");
  if (falls_silent(now)) give_up("the queue delivers nothing any more");
  if (unanswered_ == 1) {
    put_question_now(connection);
    put_question(dead_, connection.out());
  }
}

void Consumer::put_question_now(Connection& connection) {
  put_question(queue_, connection.out());
  ++asked_;
}

/// When a queue is deleted and declared again at once, RabbitMQ 3.10 may keep the consumer, count
/// messages as delivered, and drop them on their way. Silence is lawful when the window is full or
/// no publisher is left; then we connect again once, since only a channel that has brought
/// something counts.
bool Consumer::falls_silent(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  const auto full = buffer_.unacknowledged() >= static_cast<std::size_t>(options_.prefetch);
  return serving_ && !full && now > delivered_ + silence_limit;
}

void Consumer::on_answer(const QueueAnswer& answer) {
  if (answer.queue == dead_) return count_dead(answer.messages);
  if (++answered_ == farewell_) {
    const std::lock_guard lock(mutex_);
    leaving_ = false;
    left_.notify_all();
  }
  unanswered_ = 0;
  alone_ = answer.consumers == 0 ? alone_ + 1 : 0;
  if (alone_ >= answers_believed) give_up("the queue has forgotten its consumer");
}

void Consumer::count_dead(std::uint64_t messages) {
  const std::lock_guard lock(mutex_);
  const auto before = std::exchange(counters_.dead, messages);
  if (before && messages > *before) dead_grew_ = std::chrono::steady_clock::now();
}

/// What was not handed over comes again; nobody is to wait for it here.
void Consumer::disconnected() {
  const std::lock_guard lock(mutex_);
  buffer_.begin_channel();
  rejected_.clear();
  counters_.connected = false;
  left_.notify_all();
}

void Consumer::begin_serving() {
  if (std::exchange(serving_, true)) return;
  ++sessions_;
  gaps_.begin_channel();
}

void Consumer::on_deliver(std::uint64_t tag, bool redelivered, std::string_view label, Bytes body) {
  delivered_ = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  begin_serving();
  if (redelivered) ++counters_.redelivered;
  if (buffer_.add(body)) return look_for_gaps(redelivered, label, body);
  reject(tag, "a message of " + std::to_string(body.size()) + " bytes that makes no sense");
}

void Consumer::on_huge(std::uint64_t tag, std::uint64_t size) {
  delivered_ = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  begin_serving();
  buffer_.add_unreadable();
  reject(tag, "a message of " + std::to_string(size) + " bytes, too large to be one of ours,");
}

void Consumer::look_for_gaps(bool redelivered, std::string_view label, Bytes body) {
  const auto place = parse_place(label);
  if (!place) return;  // of an older publisher, or carried forward by a worker
  const auto header = header_of(body);
  gaps_.hear(header.publisher, header.session, *place, is_callback(header.type), redelivered);
  note_missing();
}

void Consumer::note_missing() {
  const auto news = gaps_.missing() - std::exchange(counters_.missing, gaps_.missing());
  if (news == 0) return;
  const auto now = std::chrono::steady_clock::now();
  const bool told = missing_since_ && now < missing_at_ + told_for;
  missing_at_ = now;
  if (told) return;
  missing_since_ = now;
  say(LogLevel::error,
      std::to_string(news) +
          " messages that the broker had confirmed never came, so far: a policy (max-length, "
          "message-ttl, expires) drops them, or somebody purges, deletes or reads the queue; see "
          "rabbitmqctl list_policies");
}

void Consumer::reject(std::uint64_t tag, const std::string& why) {
  ++counters_.rejected;
  counters_.rejected_last = why + " went to " + dead_;
  rejected_at_ = std::chrono::steady_clock::now();
  rejected_.push_back(tag);
  say(LogLevel::error, counters_.rejected_last);
}

}  // namespace postoffice::rabbitmq
