// A store of your own. The rules are in postoffice/object_store.hpp; this store follows them on a
// map. (It does not remember removed rows, which only Keep::online needs, and loses everything with
// the process: a real store calls `done` once the change is durable.)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "postoffice/defaults/system_clock.hpp"
#include "postoffice/postoffice.hpp"
#include "postoffice/testing/direct_ingress.hpp"
#include "postoffice/testing/fake_source.hpp"
#include "postoffice/testing/memory_queue.hpp"

namespace {

using namespace postoffice;

class MapStore final : public ObjectStore {
 public:
  void apply(Changes changes, ApplyDone done) override {
    Applied applied;
    {
      const std::lock_guard lock(mutex_);
      cutoff_ = std::max(cutoff_, changes.cutoff);
      for (const auto& touch : changes.touches) {
        const auto row = rows_.find(touch.id);
        if (row == rows_.end()) {
          applied.missing.push_back(touch.id);
        } else {
          row->second.last_seen = std::max(row->second.last_seen, touch.last_seen);
        }
      }
      for (const auto& answer : changes.answers) take(answer, applied);
      for (const auto& removal : changes.removals) rows_.erase(removal.id);
      for (const auto id : changes.cleared) letters_.erase(id);
      for (const auto& letter : changes.dead_letters) letters_[letter.id] = letter;
    }
    done({}, std::move(applied));
  }

  void expire(Expiry expiry, ExpireDone done) override {
    std::uint64_t deleted = 0;
    {
      const std::lock_guard lock(mutex_);
      cutoff_ = std::max(cutoff_, expiry.cutoff);
      deleted = std::erase_if(rows_, [&](const auto& row) {
        const auto& ids = expiry.ids;
        const bool asked = expiry.scan || std::binary_search(ids.begin(), ids.end(), row.first);
        return asked && row.second.last_seen < expiry.cutoff;
      });
    }
    done({}, {.deleted = deleted, .oldest_left = {}});
  }

  void print() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, row] : rows_) {
      std::printf("row %lld: %s\n", static_cast<long long>(id), row.online ? "online" : "offline");
    }
    std::printf("%zu rows\n", rows_.size());
  }

 private:
  void take(const Object& answer, Applied& applied) {
    const auto row = rows_.find(answer.id);
    if (row == rows_.end()) {
      if (answer.last_seen < cutoff_) return applied.late.push_back(answer.id);
      rows_[answer.id] = answer;
      return;
    }
    row->second.last_seen = std::max(row->second.last_seen, answer.last_seen);
    if (answer.fetched_at <= row->second.fetched_at) return;
    row->second.online = answer.online;
    row->second.fetched_at = answer.fetched_at;
  }

  std::mutex mutex_;
  Timestamp cutoff_{};
  std::map<ObjectId, Object> rows_;
  std::map<ObjectId, DeadLetter> letters_;
};

}  // namespace

int main() {
  EventLoop loop;
  SystemClock clock(loop);
  postoffice::testing::DirectIngress ingress;
  postoffice::testing::MemoryQueue queue(clock);
  postoffice::testing::FakeSource source;  // even ids are online
  MapStore store;
  Pipeline pipeline({clock, ingress, queue, source, store});
  loop.start();
  pipeline.start();

  ingress.send({2, 1, 2});
  while (pipeline.status().stored < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));

  pipeline.stop_and_wait();
  loop.stop();
  store.print();
}
