#include "rabbitmq/publisher.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "base/random.hpp"
#include "codec/id_sort.hpp"
#include "postoffice/error.hpp"

namespace postoffice::rabbitmq {
namespace {

// A broker that confirms nothing for so long will not any more: connect again.
constexpr auto stall_limit = std::chrono::seconds(5);

// A broker that refuses may mean this channel alone (renew_if_refused): so soon it gets another
// one, and then later and later, since most often a queue is really full.
constexpr auto renew_first = std::chrono::seconds(2);
constexpr auto renew_last = std::chrono::seconds(60);

// Who consumes the queues, and what is in them.
constexpr auto question_every = std::chrono::seconds(1);

// What was lost is told for so long.
constexpr auto told_for = std::chrono::minutes(10);

BrokerSession::Settings session_settings(const RabbitOptions& options, std::string name, Log log) {
  return {parse_amqp_url(options.url),
          options.url_now,
          options.reconnect_max,
          std::chrono::ceil<std::chrono::seconds>(options.heartbeat),
          std::move(name),
          std::move(log)};
}

}  // namespace

RabbitOptions checked(RabbitOptions options) {
  const bool tls = parse_amqp_url(options.url).tls.has_value();
  const auto require = [](bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
  };
  require(!tls || tls_is_built_in(), "amqps: TLS is not built in, for want of OpenSSL");
  require(options.shards >= 1 && options.shards <= 1024, "shards: 1 to 1024");
  require(!options.prefix.empty() && options.prefix.size() <= 200, "prefix: 1 to 200 bytes");
  require(options.prefetch >= 1 && options.prefetch <= 65'535, "prefetch: 1 to 65535");
  require(options.confirm_timeout.count() > 0 && options.reconnect_max.count() > 0 &&
              options.tick.count() > 0 && options.heartbeat.count() >= 0,
          "times must be positive");
  if (options.publisher == 0) options.publisher = random_uint64();
  return options;
}

Publisher::Publisher(const RabbitOptions& options, std::vector<int> shards, std::uint64_t session,
                     Ticks ticks, Clock& clock, Log log)
    : BrokerSession(session_settings(options, "publisher", std::move(log))),
      options_(options),
      shards_(std::move(shards)),
      ticks_(ticks == Ticks::yes),
      clock_(clock),
      session_(session),
      numbers_(shards_.size()),
      last_(
          static_cast<Sequence>(std::max<std::int64_t>(clock.now().time_since_epoch().count(), 0))),
      pace_(shards_.size(), options.tick),
      renew_after_(renew_first) {
  for (const int shard : shards_) frames_.emplace_back(shard_name(options_.prefix, shard));
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
    const std::lock_guard lock(mutex_);
    if (const auto refused = refusal(!stamp)) {
      ++counters_.refused;
      return refused;
    }
    if (!stamp) newest_ = std::max(newest_, clock_.now());
    ++last_;
    if (sequence != nullptr) *sequence = last_;
    ++counters_.unconfirmed;
    put(stamp ? Kind::carried : Kind::callback, stamp.value_or(newest_), sorted, std::move(done),
        due);
    asleep = std::exchange(asleep_, false);
  }
  if (asleep) wake();
  return {};
}

std::error_code Publisher::refusal(bool stamped) const {
  if (stopped_ || stopping()) return Error::stopped;
  if (stamped && !ticks_) return Error::bad_options;
  if (hushed_) return Error::fenced;
  if (!ready_ || blocked_) return Error::unavailable;
  if (counters_.unconfirmed >= options_.window_max) return Error::unavailable;
  if (messages_ > options_.window_max * frames_.size()) return Error::unavailable;
  if (line_.bytes.size() + unsent_ > options_.buffer_bytes_max) return Error::unavailable;
  return {};
}

void Publisher::put(Kind kind, Timestamp stamp, std::span<const ObjectId> ids,
                    Queue::AppendDone done, SteadyTime due) {
  thread_local std::vector<std::vector<ObjectId>> parts;
  const auto type = kind == Kind::carried ? MessageType::carried : MessageType::callback;
  const MessageHeader header{type, options_.publisher, session_, last_, stamp};
  std::uint32_t messages = 0;
  const auto put_part = [&](std::size_t shard, std::span<const ObjectId> part) {
    put_message(shard, header, part);
    ++messages;
  };
  if (frames_.size() == 1 || ids.empty()) {
    put_part(last_ % frames_.size(), ids);
  } else {
    parts.resize(std::max(parts.size(), frames_.size()));
    for (auto& part : parts) part.clear();
    for (const ObjectId id : ids) parts[shard_of(id, frames_.size())].push_back(id);
    for (std::size_t shard = 0; shard < frames_.size(); ++shard) {
      if (!parts[shard].empty()) put_part(shard, parts[shard]);
    }
  }
  line_.sent.push_back(
      {kind, last_, stamp, static_cast<std::uint32_t>(ids.size()), messages, due, std::move(done)});
}

void Publisher::put_ticks(Kind kind, Timestamp stamp, const std::vector<std::size_t>& shards,
                          Queue::AppendDone done, SteadyTime due) {
  const auto type = kind == Kind::goodbye ? MessageType::goodbye : MessageType::tick;
  const MessageHeader header{type, options_.publisher, session_, last_, stamp};
  for (const auto shard : shards) put_message(shard, header, {});
  line_.sent.push_back(
      {kind, last_, stamp, 0, static_cast<std::uint32_t>(shards.size()), due, std::move(done)});
}

/// Without ticks nobody would hear of the last ones: then they have no place.
void Publisher::put_message(std::size_t shard, const MessageHeader& header,
                            std::span<const ObjectId> ids) {
  PlaceText place;
  if (ticks_) place = to_text(numbers_.put(shard, is_callback(header.type)));
  frames_[shard].put(header, ids, place, frame_max_, line_.bytes);
}

void Publisher::set_frontier(std::function<Timestamp()> frontier) {
  const std::lock_guard lock(mutex_);
  frontier_ = std::move(frontier);
}

void Publisher::hush(bool hushed) {
  const std::lock_guard lock(mutex_);
  hushed_ = hushed;
}

void Publisher::say_goodbye(std::function<void()> done) {
  std::function<Timestamp()> frontier;
  {
    const std::lock_guard lock(mutex_);
    frontier = frontier_;
  }
  const auto told = frontier ? frontier() : Timestamp{};
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    if (ready_ && ticks_ && !blocked_ && !hushed_) {
      // Later than every callback: what is applied before it includes them all.
      const auto stamp = std::max(newest_, told) + Duration(1);
      std::vector<std::size_t> all(frames_.size());
      std::iota(all.begin(), all.end(), std::size_t{0});
      put_ticks(
          Kind::goodbye, stamp, all, [done](std::error_code, const Receipt&) { done(); },
          std::chrono::steady_clock::now() + 2 * options_.confirm_timeout);
      done = nullptr;
    }
  }
  if (done) return done();
  wake();
}

bool Publisher::writable() const {
  const std::lock_guard lock(mutex_);
  return !refusal(ticks_);
}

RabbitPublisherStatus Publisher::status() const {
  RabbitPublisherStatus status;
  {
    const std::lock_guard lock(mutex_);
    status = counters_;
    status.connected = ready_;
    status.blocked = blocked_;
    status.refusing = refused_;
    const auto now = std::chrono::steady_clock::now();
    status.losing = lost_at_ && now < *lost_at_ + told_for;
    status.dead_grows = dead_grew_ && now < *dead_grew_ + told_for;
  }
  status.publisher = options_.publisher;
  status.connects = connects();
  status.trouble = why_disconnected();
  return status;
}

bool Publisher::set_up(Connection& connection, std::string& reason) {
  std::vector<std::string> queues;
  for (const int shard : shards_) queues.push_back(shard_name(options_.prefix, shard));
  if (!connection.declare(options_.prefix, queues, existing_, reason)) return false;
  tell(existing_.notes);
  return connection.confirm_publishing(reason);
}

void Publisher::connected(SteadyTime now) {
  if (!ticks_) proven();
  pace_.begin(now);
  unanswered_ = 0;
  next_question_ = now;
  const std::lock_guard lock(mutex_);
  open_ = true;
  ready_ = !ticks_;
  blocked_ = false;
  progress_ = now;
}

SteadyTime Publisher::step(Connection& connection, SteadyTime now) {
  {
    const std::lock_guard lock(mutex_);
    frame_max_ = connection.frame_max();
    unsent_ = connection.unsent();
    messages_ = window_.messages();
  }
  if (ticks_ && now >= pace_.next()) tick(now);
  take_line(connection, now);
  if (ticks_ && now >= next_question_) ask(connection, now);
  window_.overdue(now, ended_);
  finish();
  look_for_stall(now);
  renew_if_refused(now);
  auto next = std::min(window_.next_due(), progress_ + stall_limit);
  if (ticks_) next = std::min({next, pace_.next(), next_question_});
  const std::lock_guard lock(mutex_);
  if (refusing_) next = std::min(next, renew_at_);
  asleep_ = line_.sent.empty();
  return asleep_ ? next : now;
}

/// What `frontier_` says must be known before the tick's place in line.
void Publisher::tick(SteadyTime now) {
  const auto shards = shards_to_tick(now);
  std::function<Timestamp()> frontier;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || blocked_ || hushed_) return;
    frontier = frontier_;
  }
  const auto told = frontier ? frontier() : Timestamp{};
  const std::lock_guard lock(mutex_);
  if (stopped_ || hushed_) return;
  newest_ = std::max(newest_, frontier ? told : clock_.now());
  put_ticks(Kind::tick, newest_, shards, {}, now + options_.confirm_timeout);
}

/// Those whose time has come. At the beginning and after a refusal all of them, at once: only a
/// round that passes everywhere shows that all have heard of us, and that none is full.
std::vector<std::size_t> Publisher::shards_to_tick(SteadyTime now) {
  bool all = false;
  {
    const std::lock_guard lock(mutex_);
    all = refusing_ || !ready_;
  }
  std::vector<std::size_t> shards;
  for (std::size_t shard = 0; shard < frames_.size(); ++shard) {
    if (!all && !pace_.due(shard, now)) continue;
    shards.push_back(shard);
    pace_.ticked(shard, now, all);
  }
  return shards;
}

/// Behind what was taken: so the broker has seen all of it when it answers.
void Publisher::ask(Connection& connection, SteadyTime now) {
  next_question_ = now + question_every;
  if (unanswered_ > 0) return;
  for (const int shard : shards_)
    put_question(shard_name(options_.prefix, shard), connection.out());
  put_question(dead_name(options_.prefix), connection.out());
  unanswered_ = shards_.size() + 1;
  look_ = {false, 0, window_.confirmed(), window_.messages()};
}

/// Answers come in the order of the questions.
void Publisher::on_answer(const QueueAnswer& answer) {
  if (unanswered_ == 0) return;
  if (--unanswered_ == 0) {
    count_dead(answer.messages);
    return count_lost(unread_.look(look_));
  }
  const auto shard = shards_.size() - unanswered_;
  look_.messages += answer.messages;
  look_.consumed = look_.consumed || answer.consumers > 0;
  pace_.consumed(shard, answer.consumers > 0, std::chrono::steady_clock::now());
}

void Publisher::count_dead(std::uint64_t messages) {
  const std::lock_guard lock(mutex_);
  const auto before = std::exchange(counters_.dead, messages);
  if (before && messages > *before) dead_grew_ = std::chrono::steady_clock::now();
}

void Publisher::count_lost(std::uint64_t messages) {
  if (messages == 0) return;
  const auto now = std::chrono::steady_clock::now();
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    counters_.lost += messages;
    known = lost_at_ && now < *lost_at_ + told_for;
    lost_at_ = now;
  }
  if (known) return;
  say(LogLevel::error,
      "messages that the broker had confirmed are gone from queues that nobody "
      "consumes, " +
          std::to_string(messages) +
          " so far: a policy (max-length, message-ttl, expires) drops them, or "
          "somebody purges or reads these queues");
}

void Publisher::take_line(Connection& connection, SteadyTime now) {
  {
    const std::lock_guard lock(mutex_);
    std::swap(taken_, line_);
  }
  if (taken_.sent.empty()) return;
  if (window_.empty()) progress_ = now;
  auto& out = connection.out();
  if (out.empty()) {
    std::swap(out, taken_.bytes);
  } else {
    out.insert(out.end(), taken_.bytes.begin(), taken_.bytes.end());
  }
  taken_.bytes.clear();
  for (auto& sent : taken_.sent) window_.add(std::move(sent));
  taken_.sent.clear();
}

void Publisher::on_confirm(std::uint64_t tag, bool multiple) {
  progress_ = std::chrono::steady_clock::now();
  window_.confirm(tag, multiple, ended_);
  const std::lock_guard lock(mutex_);
  numbers_.confirm(tag, multiple);
}

void Publisher::on_nack(std::uint64_t tag, bool multiple) {
  progress_ = std::chrono::steady_clock::now();
  bool told = false;
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(refusing_, true)) renew_at_ = progress_ + renew_after_;
    told = std::exchange(refused_, true);
    refused_at_ = progress_;
    numbers_.refuse(tag, multiple);
  }
  if (!told) {
    say(LogLevel::warning,
        std::string("the broker refuses messages (nack): a queue has reached its limit") +
            (ticks_ ? "; callbacks get 503" : "; what is carried forward is tried again"));
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
    const std::lock_guard lock(mutex_);
    ++counters_.returned;
    numbers_.doubt_all();
  }
  give_up("a queue is gone; declaring it again");
}

void Publisher::on_blocked(bool blocked) {
  {
    const std::lock_guard lock(mutex_);
    blocked_ = blocked;
  }
  progress_ = std::chrono::steady_clock::now();
  say(blocked ? LogLevel::warning : LogLevel::info,
      blocked ? "blocked: the broker has no memory or disk left"
              : "the broker takes messages again");
}

void Publisher::look_for_stall(SteadyTime now) {
  if (window_.empty()) progress_ = now;
  if (now < progress_ + stall_limit) return;
  bool blocked = false;
  {
    const std::lock_guard lock(mutex_);
    blocked = blocked_;
  }
  progress_ = now;
  if (!blocked) give_up("the broker confirms nothing");
}

/// Where a node has just died, RabbitMQ may refuse all that comes by one channel, for as long as
/// that channel lives, although the queue has room and another leader: the channel asks the leader
/// that it knew (3.10.8, findings/rabbitmq_refuses_for_a_dead_leader.sh).
void Publisher::renew_if_refused(SteadyTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (!refusing_ || now < renew_at_) return;
    renew_at_ = SteadyTime::max();
  }
  renew_after_ = std::min<SteadyDuration>(2 * renew_after_, renew_last);
  give_up("it refuses messages; perhaps not on another channel");
}

void Publisher::disconnected() {
  {
    const std::lock_guard lock(mutex_);
    open_ = ready_ = blocked_ = refusing_ = false;
    numbers_.end_connection();
    std::swap(taken_, line_);
  }
  for (auto& sent : taken_.sent) window_.add(std::move(sent));
  taken_.sent.clear();
  taken_.bytes.clear();
  window_.fail_all(stopping() ? Error::stopped : Error::not_durable, ended_);
  finish();
}

/// The hello is confirmed before anything that follows it.
void Publisher::finish() {
  if (ended_.empty()) return;
  bool heard = false, takes = false;
  {
    const std::lock_guard lock(mutex_);
    const bool ready = ready_;
    bool taken = ticks_;
    for (const Ended& ended : ended_) {
      count(ended);
      taken = taken || !ended.error;
    }
    heard = ready_ && !ready;
    takes = open_ && ready_ && !refusing_ && taken && std::exchange(refused_, false);
  }
  if (heard) proven();
  if (takes) {
    renew_after_ = renew_first;
    say(LogLevel::info, "the broker takes messages again");
  }
  for (auto& [sent, error, nacked] : ended_) {
    if (!sent.done) continue;
    sent.done(error, {options_.publisher, sent.sequence, sent.stamp});
  }
  ended_.clear();
}

void Publisher::count(const Ended& ended) {
  const auto& [sent, error, nacked] = ended;
  // A round of fewer shards says nothing of the others.
  if (sent.kind == Kind::tick && !error && open_ && sent.messages == frames_.size()) {
    ready_ = true;
    if (sent.due > refused_at_ + options_.confirm_timeout) refusing_ = false;
  }
  if (!ticks_ && !error) refusing_ = false;
  if (sent.kind == Kind::tick || sent.kind == Kind::goodbye) return;
  --counters_.unconfirmed;
  if (!error && sent.kind == Kind::carried) ++counters_.forwarded;
  if (!error && sent.kind == Kind::callback) {
    ++counters_.accepted_callbacks;
    counters_.accepted_ids += sent.ids;
  }
  if (nacked) ++counters_.nacked;
  if (error && !open_) ++counters_.broken;
  if (error && open_ && std::chrono::steady_clock::now() >= sent.due) ++counters_.overdue;
}

}  // namespace postoffice::rabbitmq
