#include "commands/self_test/trial_queue.hpp"

#include <algorithm>
#include <future>

#include "support/text.hpp"

namespace postofficed::self_test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t segment_bytes = 1 << 20;
constexpr auto patience = 10s;

postoffice::FileQueueOptions options_for(const std::string& directory) {
  postoffice::FileQueueOptions options;
  options.directory = directory;
  options.segment_bytes = segment_bytes;
  return options;
}

}  // namespace

TrialQueue::TrialQueue(const std::string& directory)
    : clock_(loop_), queue_(postoffice::FileQueue::open(options_for(directory), clock_)) {}

std::vector<postoffice::ObjectId> TrialQueue::ids_of(postoffice::ObjectId id) {
  return {-id - 1, id, id + 1'000'000'000};
}

Report TrialQueue::append(postoffice::ObjectId id) {
  const auto done = std::make_shared<std::promise<Report>>();
  (*queue_)->append(
      ids_of(id), {}, [done, id](std::error_code error, const postoffice::Receipt& r) {
        done->set_value({error ? Report::Kind::refused : Report::Kind::accepted, r.sequence, id});
      });
  auto report = done->get_future();
  if (report.wait_for(patience) == std::future_status::ready) return report.get();
  return {Report::Kind::stuck, 0, id};
}

std::map<postoffice::Sequence, std::vector<postoffice::ObjectId>> TrialQueue::read_back() {
  std::map<postoffice::Sequence, std::vector<postoffice::ObjectId>> found;
  while (found.size() < (*queue_)->recovery().callbacks) {
    const auto done = std::make_shared<std::promise<postoffice::Delivery>>();
    (*queue_)->read(100'000, [done](std::error_code, postoffice::Delivery delivery) {
      done->set_value(std::move(delivery));
    });
    auto delivery = done->get_future();
    if (delivery.wait_for(patience) != std::future_status::ready) break;
    const auto [entries, ids] = delivery.get();
    for (const auto& entry : entries) {
      found[entry.sequence] = {ids.begin() + entry.ids_begin, ids.begin() + entry.ids_end};
    }
  }
  return found;
}

std::string missing(const std::string& directory, const std::vector<Report>& accepted,
                    bool forget) {
  TrialQueue trial(directory);
  if (trial.error()) return "the queue does not open again: " + trial.error().text();
  const auto found = trial.read_back();
  const auto lost = std::count_if(accepted.begin(), accepted.end(), [&](const Report& report) {
    const auto place = found.find(report.sequence);
    return place == found.end() || place->second != TrialQueue::ids_of(report.id);
  });
  if (lost > 0) {
    return counted(static_cast<std::uint64_t>(lost), "callback") + " of " +
           std::to_string(accepted.size()) + " that had been acknowledged are missing";
  }
  if (trial.queue().recovery().lost_records > 0) return "the queue's files were damaged";
  if (forget && !found.empty()) trial.queue().acknowledge(found.rbegin()->first);
  return {};
}

}  // namespace postofficed::self_test
