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
    case Reserve::not_yet: return {Result::failed, "no file could be made ahead"};
    case Reserve::kept:
      return {Result::ok,
              "room is held ahead: a full disk is met by the rest of a file and a spare one "
              "(asked, not tried)"};
    case Reserve::first_write:
      return {Result::warning,
              "this file system copies what is written: of the room held ahead each byte serves "
              "once (asked, not tried)"};
    case Reserve::none:
      return {Result::warning,
              "this file system copies what is written: no room can be held ahead, a full disk "
              "refuses callbacks at once"};
    case Reserve::unknown: break;
  }
  return {Result::warning,
          "not tried here: the file system does not say whether room can be held ahead for a full "
          "disk"};
}

}  // namespace postofficed::self_test
