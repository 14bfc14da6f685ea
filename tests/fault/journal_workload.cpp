// A short life of a file queue with small files, to be killed at any point of it:
//
//   journal_workload DIRECTORY CALLBACKS
//
// Says on stdout what it has been promised ("promised SEQUENCE ID") after it was, and what it gives
// back ("acknowledged SEQUENCE") before it does. Goes through several files, so that some are
// begun, trimmed and used again.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

#include "fault/small_queue.hpp"

using namespace postoffice;
using namespace postoffice::testing;

namespace {

void say(const char* what, Sequence sequence, ObjectId id) {
  char line[64];
  const int size =
      std::snprintf(line, sizeof line, "%s %llu %lld\n", what,
                    static_cast<unsigned long long>(sequence), static_cast<long long>(id));
  if (write(STDOUT_FILENO, line, static_cast<std::size_t>(size)) != size) std::_Exit(5);
}

Sequence append(FileQueue& queue, ObjectId id) {
  std::promise<std::pair<std::error_code, Receipt>> promise;
  queue.append(std::span(&id, 1), {}, [&](std::error_code error, Receipt receipt) {
    promise.set_value({error, std::move(receipt)});
  });
  const auto [error, receipt] = promise.get_future().get();
  if (error) std::_Exit(3);
  say("promised", receipt.sequence, id);
  return receipt.sequence;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 64;
  ManualClock clock;
  const auto opened = FileQueue::open(small_queue(arguments[1]), clock);
  if (!opened) return 2;
  auto& queue = *opened;
  const int callbacks = std::atoi(arguments[2]);
  for (int i = 0; i < callbacks; ++i) {
    const auto sequence = append(*queue, getpid() * 1'000LL + i);
    if (i % 5 != 4) continue;
    say("acknowledged", sequence - 2, 0);
    queue->acknowledge(sequence - 2);
    // The cursor is written every 200 ms at most; with it go the files behind it.
    if (i == 9) std::this_thread::sleep_for(std::chrono::milliseconds(210));
  }
  return 0;
}
