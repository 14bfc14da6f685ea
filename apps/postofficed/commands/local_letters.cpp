#include <future>
#include <memory>
#include <string>
#include <utility>

#include "commands/letter_access.hpp"
#include "postoffice/defaults/event_loop.hpp"
#include "postoffice/defaults/file_queue.hpp"
#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/error.hpp"
#include "support/data_directory.hpp"
#include "support/json.hpp"
#include "support/lock_holder.hpp"
#include "support/store_session.hpp"

namespace postofficed {
namespace {

using postoffice::ObjectId;

/// The queue of a daemon that does not run.
class IdleQueue {
 public:
  explicit IdleQueue(postoffice::EventLoop& loop) : clock_(loop) {}

  Failure open(const Options& options, const postoffice::Log& log) {
    if (auto failure = prepare_data_directory(options.data_dir)) return failure;
    postoffice::FileQueueOptions wanted;
    wanted.directory = options.queue.directory;
    auto opened = postoffice::FileQueue::open(wanted, clock_, log);
    if (opened) {
      queue_ = *std::move(opened);
      return {};
    }
    const std::string name = "queue file:" + wanted.directory + ": ";
    const auto& error = opened.error().code;
    if (error != postoffice::Error::locked) return {ExitCode::journal, name + error.message()};
    const auto holder = lock_holder(wanted.directory);
    return {ExitCode::unavailable,
            name + error.message() + (holder.empty() ? "" : ": " + holder) +
                ". If it has just started, try again; else name its admin listener: "
                "--admin-listen HOST:PORT"};
  }

  bool is_open() const { return queue_ != nullptr; }

  Failure append(const std::vector<ObjectId>& ids) {
    std::promise<std::error_code> finished;
    queue_->append(ids, std::nullopt, [&](std::error_code error, const postoffice::Receipt&) {
      finished.set_value(error);
    });
    const auto error = finished.get_future().get();
    if (!error) return {};
    return {ExitCode::journal, "the queue does not take the ids: " + error.message()};
  }

 private:
  postoffice::SystemClock clock_;
  std::unique_ptr<postoffice::FileQueue> queue_;
};

class LocalLetters final : public LetterAccess {
 public:
  LocalLetters(const Options& options, postoffice::Log log)
      : options_(options), log_(std::move(log)), store_(options.store), queue_(loop_) {
    loop_.start();
  }
  ~LocalLetters() override { loop_.stop(); }
  LocalLetters(const LocalLetters&) = delete;
  LocalLetters& operator=(const LocalLetters&) = delete;

  Failure open() { return store_.open(); }

  Result<LetterPage> list(const LetterRequest& request) override {
    std::optional<ObjectId> next;
    const auto letters = find(request, next);
    if (!letters) return letters.error();
    LetterPage page;
    page.next = next;
    for (const auto& letter : *letters) {
      page.letters.push_back({letter.id, rfc3339(letter.received_at), rfc3339(letter.failed_at),
                              letter.attempts, letter.reason});
    }
    return page;
  }

  Result<LettersChanged> change(LetterChange what, const LetterRequest& request) override {
    LettersChanged changed;
    const auto letters = find(request, changed.next);
    if (!letters) return letters.error();
    changed.matched = letters->size();
    if (request.dry_run || letters->empty()) return changed;
    std::vector<ObjectId> ids;
    for (const auto& letter : *letters) ids.push_back(letter.id);
    auto failure = what == LetterChange::replay ? replay(ids) : drop(std::move(ids));
    if (failure) return failure;
    changed.done = changed.matched;
    return changed;
  }

 private:
  Result<std::vector<postoffice::DeadLetter>> find(const LetterRequest& request,
                                                   std::optional<ObjectId>& next) {
    const auto now = std::chrono::system_clock::now();
    auto query = request.query(std::chrono::time_point_cast<postoffice::Duration>(now));
    ++query.limit;
    auto letters = store_.find_dead_letters(query);
    if (!letters || letters->size() <= request.limit) return letters;
    letters->resize(request.limit);
    next = letters->back().id;
    return letters;
  }

  Failure replay(const std::vector<ObjectId>& ids) {
    if (options_.queue.kind == QueueLocation::Kind::broker) {
      return {ExitCode::unavailable,
              "callbacks go to " + describe(options_.queue) + ", and no daemon runs on " +
                  options_.data_dir +
                  ". Start one (postofficed serve), or name one that runs: --admin-listen "
                  "HOST:PORT, and --admin-token-file FILE"};
    }
    if (!queue_.is_open()) {
      if (auto failure = queue_.open(options_, log_)) return failure;
    }
    return queue_.append(ids);
  }

  Failure drop(std::vector<ObjectId> ids) {
    postoffice::Changes changes;
    changes.cleared = std::move(ids);
    return store_.apply(changes);
  }

  const Options& options_;
  const postoffice::Log log_;
  postoffice::EventLoop loop_;
  StoreSession store_;
  IdleQueue queue_;
};

}  // namespace

Result<std::unique_ptr<LetterAccess>> local_letters(const Options& options,
                                                    const postoffice::Log& log) {
  auto letters = std::make_unique<LocalLetters>(options, log);
  if (auto failure = letters->open()) return failure;
  return std::unique_ptr<LetterAccess>(std::move(letters));
}

}  // namespace postofficed
