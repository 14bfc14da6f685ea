#include "rabbitmq/declare.hpp"

#include "postoffice/error.hpp"
#include "rabbitmq/message.hpp"
#include "rabbitmq/queue_declaration.hpp"

namespace postoffice::rabbitmq {
namespace {

constexpr int refused = 403;

Failure declare_exchange(Channel& channel, const std::string& dead) {
  const auto failure = channel.declare_exchange(dead);
  if (!failure) return {};
  if (failure.reply_code != refused) {
    return {failure.code, "declaring the exchange for dead letters: " + failure.message};
  }
  if (!channel.reopen() && !channel.look_for_exchange(dead)) return {};
  return {failure.code,
          "the exchange " + dead +
              " does not exist, and the user has no right to configure it: " + failure.message};
}

/// Whoever has no right to bind may have had it done by somebody else: bindings cannot be seen.
Failure bind_dead(Channel& channel, const std::string& dead, ExistingQueues& existing) {
  const auto binding = dead + " (bound)";
  if (existing.names.contains(binding)) return {};
  const auto failure = channel.bind_queue(dead, dead);
  if (!failure) return {};
  if (failure.reply_code != refused) {
    return {failure.code, "binding the queue for dead letters: " + failure.message};
  }
  existing.names.insert(binding);
  existing.notes.push_back(dead + " is taken as bound to its exchange: " + failure.message);
  return channel.reopen();
}

ChannelFailure ask(Channel& channel, const std::string& queue,
                   const QueueDeclaration& declaration) {
  return declaration.step() == QueueDeclaration::Step::declare
             ? channel.declare_queue(queue, declaration.arguments())
             : channel.look_for_queue(queue);
}

Failure declare_queue(Channel& channel, const std::string& queue, const std::string& dead,
                      ExistingQueues& existing) {
  QueueDeclaration declaration(queue, dead, existing.names.contains(queue));
  while (declaration.goes_on()) {
    const auto failure = ask(channel, queue, declaration);
    declaration.answer(failure.reply_code, failure.message);
    if (!declaration.known()) existing.names.erase(queue);
    if (failure && declaration.goes_on()) {
      if (auto ended = channel.reopen()) return ended;
    }
  }
  if (declaration.step() == QueueDeclaration::Step::failed) {
    return {Error::unavailable, declaration.reason()};
  }
  if (declaration.known()) existing.names.insert(queue);
  const auto& notes = declaration.notes();
  existing.notes.insert(existing.notes.end(), notes.begin(), notes.end());
  return {};
}

}  // namespace

Failure declare(Channel& channel, const std::string& prefix, const std::vector<std::string>& queues,
                ExistingQueues& existing) {
  const auto dead = dead_name(prefix);
  if (auto failure = declare_exchange(channel, dead)) return failure;
  if (auto failure = declare_queue(channel, dead, "", existing)) return failure;
  if (auto failure = bind_dead(channel, dead, existing)) return failure;
  for (const auto& queue : queues) {
    if (auto failure = declare_queue(channel, queue, dead, existing)) return failure;
  }
  return {};
}

}  // namespace postoffice::rabbitmq
