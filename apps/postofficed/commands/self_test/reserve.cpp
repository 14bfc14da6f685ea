#include <chrono>
#include <thread>

#include "commands/self_test/checks.hpp"
#include "commands/self_test/trial_queue.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;
using Reserve = postoffice::FileQueue::Reserve;

constexpr auto patience = 10s;

Reserve reserve_in(const std::string& directory) {
  TrialQueue trial(directory);
  if (trial.error()) return Reserve::not_yet;
  const auto end = std::chrono::steady_clock::now() + patience;
  while (trial.queue().reserve() == Reserve::not_yet && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(5ms);
  }
  return trial.queue().reserve();
}

}  // namespace

Finding check_reserve(const std::string& directory) {
  using Result = Finding::Result;
  switch (reserve_in(directory)) {
    case Reserve::not_yet: return {Result::failed, "no spare file could be made"};
    case Reserve::kept:
      return {Result::ok,
              "room is reserved: on a full disk, the rest of a file and a spare one are used "
              "(reported by the file system, not tried)"};
    case Reserve::first_write:
      return {Result::warning,
              "this file system copies on write: each byte of the reserved room can be used once "
              "(reported by the file system, not tried)"};
    case Reserve::none:
      return {Result::warning,
              "this file system copies on write: no room can be reserved; on a full disk callbacks "
              "are refused at once"};
    case Reserve::unknown: break;
  }
  return {Result::warning,
          "not tried here: the file system does not say whether room can be reserved for a full "
          "disk"};
}

}  // namespace postofficed::self_test
