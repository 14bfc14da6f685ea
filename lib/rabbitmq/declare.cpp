#include "rabbitmq/declare.hpp"

#include <algorithm>

#include "rabbitmq/message.hpp"
#include "rabbitmq/queue_declaration.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr int refused = 403;

bool declare_exchange(Channel& channel, const std::string& dead, std::string& reason) {
  std::string words, ignored;
  const int code = channel.declare_exchange(dead, words);
  if (code == 0) return true;
  reason = "declaring the exchange for dead letters: " + words;
  if (code != refused) return false;
  if (channel.reopen(reason) && channel.look_for_exchange(dead, ignored) == 0) return true;
  reason = "the exchange " + dead +
           " does not exist, and the user has no right to configure it: " + words;
  return false;
}

/// Whoever has no right to bind may have had it done by somebody else: bindings cannot be seen.
bool bind_dead(Channel& channel, const std::string& dead, ExistingQueues& existing,
               std::string& reason) {
  const auto binding = dead + " (bound)";
  if (existing.names.contains(binding)) return true;
  std::string words;
  const int code = channel.bind_queue(dead, dead, words);
  if (code == 0) return true;
  reason = "binding the queue for dead letters: " + words;
  if (code != refused) return false;
  existing.names.insert(binding);
  existing.notes.push_back(dead + " is taken as bound to its exchange: " + words);
  return channel.reopen(reason);
}

int ask(Channel& channel, const std::string& queue, const QueueDeclaration& declaration,
        std::string& words) {
  return declaration.step() == QueueDeclaration::Step::declare
             ? channel.declare_queue(queue, declaration.arguments(), words)
             : channel.look_for_queue(queue, words);
}

bool declare_queue(Channel& channel, const std::string& queue, const std::string& dead,
                   ExistingQueues& existing, std::string& reason) {
  QueueDeclaration declaration(queue, dead, existing.names.contains(queue));
  while (declaration.goes_on()) {
    std::string words;
    const int code = ask(channel, queue, declaration, words);
    declaration.answer(code, words);
    if (!declaration.known()) existing.names.erase(queue);
    if (code != 0 && declaration.goes_on() && !channel.reopen(reason)) return false;
  }
  if (declaration.step() == QueueDeclaration::Step::failed) {
    reason = declaration.reason();
    return false;
  }
  if (declaration.known()) existing.names.insert(queue);
  const auto& notes = declaration.notes();
  existing.notes.insert(existing.notes.end(), notes.begin(), notes.end());
  return true;
}

}  // namespace

bool declare(Channel& channel, const std::string& prefix, const std::vector<std::string>& queues,
             ExistingQueues& existing, std::string& reason) {
  const auto dead = dead_name(prefix);
  return declare_exchange(channel, dead, reason) &&
         declare_queue(channel, dead, "", existing, reason) &&
         bind_dead(channel, dead, existing, reason) &&
         std::all_of(queues.begin(), queues.end(), [&](const std::string& queue) {
           return declare_queue(channel, queue, dead, existing, reason);
         });
}

}  // namespace postoffice::rabbitmq
