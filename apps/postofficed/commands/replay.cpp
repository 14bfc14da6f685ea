#include "commands/replay.hpp"

#include <algorithm>
#include <future>
#include <memory>
#include <span>
#include <string>

#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"
#include "support/http_post.hpp"
#include "support/json.hpp"

namespace postofficed {
namespace {

using Ids = std::span<const postoffice::ObjectId>;

constexpr std::size_t ids_in_callback_max = 10'000;  // what a daemon takes at once

Failure append(postoffice::Queue& queue, Ids ids) {
  std::promise<std::error_code> finished;
  queue.append(ids, std::nullopt, [&](std::error_code error, const postoffice::Receipt&) {
    finished.set_value(error);
  });
  const auto error = finished.get_future().get();
  if (!error) return {};
  return {ExitCode::journal, "the queue does not accept the ids: " + error.message()};
}

Failure post(const std::string& address, Ids ids) {
  Json json;
  json.begin_object().key("object_ids").begin_array();
  for (const auto id : ids) json.value(id);
  json.end_array().end_object();
  const auto result = http_post(address, "/callback", json.text(), std::chrono::seconds(5));
  if (result.status == 202) return {};
  const std::string status = result.status ? std::to_string(result.status) + " " : "";
  return {ExitCode::unavailable,
          "the daemon does not accept the ids at " + address + ": " + status + result.problem};
}

template <typename Send>
Failure in_parts(Ids ids, const Send& send) {
  while (!ids.empty()) {
    const auto part = ids.first(std::min(ids.size(), ids_in_callback_max));
    if (auto failure = send(part)) return failure;
    ids = ids.subspan(part.size());
  }
  return {};
}

}  // namespace

Failure replay(const Options& options, const std::vector<postoffice::ObjectId>& ids,
               const postoffice::Log& log) {
  const auto post_all = [&] {
    return in_parts(ids, [&](Ids part) { return post(options.listen, part); });
  };
  if (options.queue.kind == QueueLocation::Kind::broker) return post_all();
  if (auto failure = prepare_data_directory(options.data_dir)) return failure;
  postoffice::EventLoop loop;
  postoffice::SystemClock clock(loop);
  loop.start();
  postoffice::FileQueueOptions queue_options;
  queue_options.directory = options.queue.directory;
  const auto queue = postoffice::FileQueue::open(queue_options, clock, log);
  if (queue) return in_parts(ids, [&](Ids part) { return append(**queue, part); });
  if (queue.error().code == postoffice::Error::locked) return post_all();
  return {ExitCode::journal,
          "queue file:" + options.queue.directory + ": " + queue.error().code.message()};
}

}  // namespace postofficed
