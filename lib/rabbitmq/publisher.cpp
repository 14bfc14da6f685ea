#include "rabbitmq/publisher.hpp"

#include <algorithm>
#include <cassert>
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

}  // namespace

Publisher::Publisher(const RabbitOptions& options, const std::vector<int>& shards,
                     std::uint64_t session, Ticks ticks, Clock& clock, Log log)
    : BrokerSession(session_settings(options, "publisher", std::move(log))),
      options_(options),
      queues_(queue_names(options.prefix, shards)),
      ticks_(ticks == Ticks::yes),
      admission_(options, queues_, session, ticks_, clock),
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
  if (stopping()) return Error::stopped;
  const auto answer = admission_.append(codec::sort_ids(ids, scratch), stamp, done);
  if (answer.error) return answer.error;
  if (sequence != nullptr) *sequence = answer.sequence;
  if (answer.wake) wake();
  return {};
}

void Publisher::set_frontier(std::function<Timestamp()> frontier) {
  admission_.set_frontier(std::move(frontier));
}

void Publisher::hush(bool hushed) { admission_.hush(hushed); }

void Publisher::say_goodbye(std::function<void()> done) {
  if (!admission_.say_goodbye(done)) return done();
  wake();
}

bool Publisher::writable() const { return !stopping() && admission_.writable(); }

RabbitPublisherStatus Publisher::status() const {
  auto status = admission_.status();
  status.publisher = options_.publisher;
  status.connects = connects();
  status.trouble = why_disconnected();
  return status;
}

Failure Publisher::set_up(Connection& connection) {
  auto& channel = connection.channel();
  if (auto failure = declare(channel, options_.prefix, queues_, existing_)) return failure;
  tell(existing_.notes);
  return channel.confirm_publishing();
}

void Publisher::connected(SteadyTime now) {
  if (!ticks_) proven();
  pace_.begin(now);
  inspector_.begin(now);
  stall_.progress(now);
  admission_.opened();
}

SteadyTime Publisher::step(Connection& connection, SteadyTime now) {
  admission_.look({connection.frame_max(), connection.unsent(), window_.messages()});
  if (ticks_ && now >= pace_.next()) {
    admission_.tick(pace_.round(admission_.needs_full_round(), now), now);
  }
  send_line(connection, now);
  if (ticks_) ask(connection, now);
  window_.overdue(now, ended_);
  complete_ended();
  look_for_stall(now);
  if (admission_.renew(now)) give_up("it refuses messages; perhaps not on another channel");
  auto next = std::min(window_.next_due(), stall_.next());
  if (ticks_) next = std::min({next, pace_.next(), inspector_.next_question()});
  return admission_.sleep(now, next);
}

void Publisher::send_line(Connection& connection, SteadyTime now) {
  assert(batch_.sent.empty() && batch_.bytes.empty());
  admission_.pop_line(batch_);
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
  if (finding.dead) admission_.dead(*finding.dead, now);
  if (finding.lost > 0) tell_lost(finding.lost, now);
}

void Publisher::tell_lost(std::uint64_t messages, SteadyTime now) {
  if (!admission_.lost(messages, now)) return;
  say(LogLevel::error,
      "messages that the broker had confirmed are gone from queues that nobody consumes, " +
          std::to_string(messages) +
          " so far: a policy (max-length, message-ttl, expires) drops them, or somebody purges or "
          "reads these queues");
}

void Publisher::on_confirm(std::uint64_t tag, bool multiple) {
  stall_.progress(std::chrono::steady_clock::now());
  window_.confirm(tag, multiple, ended_);
  admission_.confirmed(tag, multiple);
}

void Publisher::on_nack(std::uint64_t tag, bool multiple) {
  const auto now = std::chrono::steady_clock::now();
  stall_.progress(now);
  if (admission_.refused(tag, multiple, now)) {
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
  admission_.returned();
  give_up("a queue is gone; declaring it again");
}

void Publisher::on_blocked(bool blocked) {
  admission_.set_blocked(blocked);
  stall_.progress(std::chrono::steady_clock::now());
  say(blocked ? LogLevel::warning : LogLevel::info,
      blocked ? "blocked: the broker has no memory or disk left"
              : "the broker takes messages again");
}

void Publisher::look_for_stall(SteadyTime now) {
  if (window_.empty()) stall_.progress(now);
  if (stall_.stalled(now) && !admission_.blocked()) give_up("the broker confirms nothing");
}

void Publisher::disconnected() {
  assert(batch_.sent.empty());
  admission_.closed(batch_);
  move_to_window();
  window_.fail_all(stopping() ? Error::stopped : Error::not_durable, ended_);
  complete_ended();
}

void Publisher::complete_ended() {
  if (ended_.empty()) return;
  const auto news = admission_.judge(ended_, std::chrono::steady_clock::now());
  if (news.greeted) proven();
  if (news.takes_again) say(LogLevel::info, "the broker takes messages again");
  for (auto& [sent, error, nacked] : ended_) {
    if (!sent.done) continue;
    sent.done(error, {options_.publisher, sent.sequence, sent.stamp});
  }
  ended_.clear();
}

}  // namespace postoffice::rabbitmq
