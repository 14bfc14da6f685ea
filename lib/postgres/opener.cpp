#include "postgres/opener.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "base/thread.hpp"
#include "postgres/pooler.hpp"
#include "postoffice/error.hpp"

namespace postoffice::postgres {
namespace {

/// Time for the thread to close its session, so that the process does not end in the middle of
/// that.
constexpr std::chrono::milliseconds moment{50};

}  // namespace

struct Opener::State {
  explicit State(Done done) : done(std::move(done)) {}

  Attempt attempt;
  std::mutex mutex;
  std::condition_variable finished;
  bool running = true;
  Done done;  // empty: abandoned
};

Opener::Opener(const ConnectOptions& options, Done done)
    : state_(std::make_shared<State>(std::move(done))) {
  start_without_signals([state = state_, options] { run(state, options); }).detach();
}

void Opener::run(const std::shared_ptr<State>& state, const ConnectOptions& options) {
  name_this_thread("postgres");
  Opened opened;
  try {
    opened = open_own_session(options, state->attempt);
  } catch (const std::bad_alloc&) {
    opened.failure = unavailable("out of memory");
  }
  const std::lock_guard lock(state->mutex);
  if (state->done) {
    state->done(std::move(opened));
    state->done = {};
  }
  opened = {};
  state->running = false;
  state->finished.notify_all();
}

void Opener::abandon() {
  std::unique_lock lock(state_->mutex);
  if (!state_->running) return;
  state_->done = {};
  state_->attempt.cancel();
  state_->finished.wait_for(lock, moment, [this] { return !state_->running; });
}

std::string Opener::waits_for() const { return state_->attempt.waits_for(); }

}  // namespace postoffice::postgres
