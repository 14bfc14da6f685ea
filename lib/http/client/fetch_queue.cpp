#include "http/client/fetch_queue.hpp"

#include <cassert>

#include "postoffice/error.hpp"

namespace postoffice::http {

FetchQueue::Put FetchQueue::put(ObjectId id, std::chrono::milliseconds timeout,
                                ObjectSource::Done& done) {
  const std::lock_guard lock(inbox_mutex_);
  if (closed_) return Put::closed;
  if (spares_.empty()) spares_.emplace_back();
  spares_.front().begin(id, timeout, std::move(done));
  inbox_.splice(inbox_.end(), spares_, spares_.begin());
  return std::exchange(expected_, true) ? Put::expected : Put::tell;
}

void FetchQueue::expect_arrivals() {
  const std::lock_guard lock(inbox_mutex_);
  expected_ = true;
}

bool FetchQueue::take_arrived() {
  FetchList arrived;
  {
    const std::lock_guard lock(inbox_mutex_);
    expected_ = false;
    arrived.swap(inbox_);
    spares_.splice(spares_.begin(), completed_);
    while (spares_.size() > spares_max_) spares_.pop_back();
  }
  if (arrived.empty()) return false;
  while (!arrived.empty()) {
    Fetch& fetch = move_fetch(arrived, arrived.begin(), waiting_, waiting_.end());
    deadlines_.add(fetch, fetch.expires_at);
  }
  return true;
}

Fetch& FetchQueue::next(FetchList& line, FetchList& carrier) {
  assert(!line.empty() && carrier.empty());
  return move_fetch(line, line.begin(), carrier, carrier.end());
}

void FetchQueue::retry(Fetch& fetch) {
  assert(!fetch.second_try);
  fetch.second_try = true;
  fetch.connection = nullptr;
  move_fetch(*fetch.home, fetch.place, retries_, retries_.end());
}

void FetchQueue::end(Fetch& fetch, FetchResult result) {
  assert(fetch.home != &ended_ && fetch.home != &completed_);
  deadlines_.remove(fetch);
  fetch.result = std::move(result);
  move_fetch(*fetch.home, fetch.place, ended_, ended_.end());
}

std::pair<ObjectSource::Done, FetchResult> FetchQueue::take_ended() {
  assert(!ended_.empty());
  Fetch& fetch = move_fetch(ended_, ended_.begin(), completed_, completed_.end());
  return {std::exchange(fetch.done, nullptr), std::move(fetch.result)};
}

void FetchQueue::close() {
  {
    const std::lock_guard lock(inbox_mutex_);
    closed_ = true;
  }
  take_arrived();
  FetchResult stopped;
  stopped.error = Error::stopped;
  while (!waiting_.empty()) end(waiting_.front(), stopped);
  while (!retries_.empty()) end(retries_.front(), stopped);
}

}  // namespace postoffice::http
