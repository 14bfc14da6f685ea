// Exchange and queues at the broker: what is missing is declared, what exists is taken as it is.
#include <amqp.h>
#include <amqp_framing.h>

#include <algorithm>
#include <iterator>

#include "rabbitmq/arguments.hpp"
#include "rabbitmq/connection.hpp"

namespace postoffice::rabbitmq {
namespace {

amqp_bytes_t bytes_of(const std::string& text) {
  return {text.size(), const_cast<char*>(text.data())};
}

amqp_table_entry_t entry_of(const Argument& argument) {
  amqp_table_entry_t result{};
  result.key = bytes_of(argument.name);
  if (const auto* text = std::get_if<std::string>(&argument.value)) {
    result.value.kind = AMQP_FIELD_KIND_UTF8;
    result.value.value.bytes = bytes_of(*text);
  } else if (const auto* number = std::get_if<std::int64_t>(&argument.value)) {
    result.value.kind = AMQP_FIELD_KIND_I64;
    result.value.value.i64 = *number;
  } else {
    result.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    result.value.value.boolean = std::get<bool>(argument.value);
  }
  return result;
}

constexpr int refused = AMQP_ACCESS_REFUSED;
constexpr int differs = AMQP_PRECONDITION_FAILED;

}  // namespace

bool Connection::passive_exchange(const std::string& name, std::string& reason) {
  amqp_exchange_declare(state_, channel, bytes_of(name), amqp_cstring_bytes("fanout"), true, true,
                        false, false, amqp_empty_table);
  return check(("looking for the exchange " + name).c_str(), reason);
}

bool Connection::exists(const std::string& queue, std::string& reason) {
  amqp_queue_declare(state_, channel, bytes_of(queue), true, true, false, false, amqp_empty_table);
  return check(("looking for the queue " + queue).c_str(), reason);
}

bool Connection::declare_exchange(const std::string& dead, std::string& reason) {
  amqp_exchange_declare(state_, channel, bytes_of(dead), amqp_cstring_bytes("fanout"), false, true,
                        false, false, amqp_empty_table);
  std::string words;
  const int code = reply_code(words);
  if (code == 0) return true;
  reason = with_tls_words("declaring the exchange for dead letters: " + words);
  if (code != refused) return false;
  std::string ignored;
  if (reopen_channel(reason) && passive_exchange(dead, ignored)) return true;
  reason = "the exchange " + dead +
           " does not exist, and the user has no right to configure it: " + words;
  return false;
}

/// Whoever has no right to bind may have had it done by somebody else: bindings cannot be seen.
bool Connection::bind_dead(const std::string& dead, ExistingQueues& taken, std::string& reason) {
  const auto binding = dead + " (bound)";
  if (taken.names.contains(binding)) return true;
  amqp_queue_bind(state_, channel, bytes_of(dead), bytes_of(dead), amqp_empty_bytes,
                  amqp_empty_table);
  std::string words;
  const int code = reply_code(words);
  if (code == 0) return true;
  reason = with_tls_words("binding the queue for dead letters: " + words);
  if (code != refused) return false;
  taken.names.insert(binding);
  taken.notes.push_back(dead + " is taken as bound to its exchange: " + words);
  return reopen_channel(reason);
}

/// The broker names one difference at a time, and ends the channel for it. Each is either one that
/// cannot work, or adopted before the next try, so this ends: no argument is adopted twice.
bool Connection::declare_queue(const std::string& queue, const std::string& dead,
                               ExistingQueues& taken, std::string& reason) {
  std::vector<std::string> notes;
  if (taken.names.contains(queue)) {
    if (exists(queue, reason)) return true;
    taken.names.erase(queue);
    if (!reopen_channel(reason)) return false;
  }
  auto wanted = arguments_of(queue == dead ? "" : dead);
  std::string words;
  for (int attempt = 0; attempt < 16; ++attempt) {
    std::vector<amqp_table_entry_t> entries;
    std::transform(wanted.begin(), wanted.end(), std::back_inserter(entries), entry_of);
    const amqp_table_t table{static_cast<int>(entries.size()), entries.data()};
    amqp_queue_declare(state_, channel, bytes_of(queue), false, true, false, false, table);
    const int code = reply_code(words);
    if (code == 0) {
      if (attempt > 0) taken.names.insert(queue);
      taken.notes.insert(taken.notes.end(), notes.begin(), notes.end());
      return true;
    }
    reason = with_tls_words("declaring the queue " + queue + ": " + words);
    if (code != refused && code != differs) return false;
    const auto before = reason;
    if (!reopen_channel(reason)) return false;
    reason = before;
    if (code == refused) return take_unseen(queue, words, taken, reason);
    const auto difference = difference_in(words);
    if (!difference || !adopt(*difference, wanted)) return false;
    const auto note = note_of(*difference);
    if (!note.empty()) notes.push_back(queue + ": " + note);
  }
  return false;
}

/// Whoever has no right to configure may have had it done by somebody else.
bool Connection::take_unseen(const std::string& queue, const std::string& words,
                             ExistingQueues& taken, std::string& reason) {
  std::string ignored;
  if (exists(queue, ignored)) {
    taken.names.insert(queue);
    return true;
  }
  reason =
      "the queue " + queue + " does not exist, and the user has no right to configure it: " + words;
  return false;
}

bool Connection::declare(const std::string& prefix, const std::vector<std::string>& queues,
                         ExistingQueues& taken, std::string& reason) {
  const auto dead = dead_name(prefix);
  return declare_exchange(dead, reason) && declare_queue(dead, dead, taken, reason) &&
         bind_dead(dead, taken, reason) &&
         std::all_of(queues.begin(), queues.end(), [&](const std::string& queue) {
           return declare_queue(queue, dead, taken, reason);
         });
}

}  // namespace postoffice::rabbitmq
