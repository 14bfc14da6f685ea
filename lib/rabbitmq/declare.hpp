// Exchange and queues at the broker: what is missing is declared, what exists is taken as it is.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rabbitmq/channel.hpp"

namespace postoffice::rabbitmq {

/// What exists at the broker and is taken as it is. Kept over connections: those that follow only
/// look whether it is still there, since the broker logs each attempt to declare it otherwise.
struct ExistingQueues {
  std::set<std::string> names;
  std::vector<std::string> notes;  ///< a sentence for each difference that somebody should know
};

/// The shards `queues`, and exchange and queue for dead letters. Fails if something cannot work as
/// it is.
Failure declare(Channel& channel, const std::string& prefix, const std::vector<std::string>& queues,
                ExistingQueues& existing);

}  // namespace postoffice::rabbitmq
