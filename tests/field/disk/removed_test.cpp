// Files of the queue removed under the running daemon, by a cleaner or by hand.
#include "disk.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

void remove_all_in(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::filesystem::remove_all(entry.path());
  }
}

bool is_sound(const std::string& data) {
  const auto outcome = run_postofficed({"journal", "verify", "--data-dir", data});
  CAPTURE(outcome.out);
  return outcome.code == 0;
}

/// Written back, or appended again before that was done.
bool is_safe_again(const OnDisk& on) {
  return eventually(
             [&] { return on.daemon->said(".journal was removed while this process runs"); }) &&
         eventually([&] { return on.metric("postoffice_journal_at_risk_callbacks") == 0; });
}

}  // namespace

TEST_CASE("rm of all the queue's files: nothing accepted is lost, even by kill -9 (S1)") {
  const TemporaryDirectory data;
  OnDisk on(data.path());
  on.start();
  for (std::int64_t id = 0; id < 10; ++id) CHECK(on.post({id}) == 202);
  remove_all_in(on.queue);
  for (std::int64_t id = 10; id < 20; ++id) CHECK(on.post({id}) == 202);
  CHECK(eventually([&] { return on.daemon->said("was removed while this process runs"); }, 2s));
  CHECK(on.ready());
  CHECK(on.post({20}) == 202);
  CHECK(is_safe_again(on));
  on.kill();
  CHECK(is_sound(on.data));
  on.start();
  CHECK(eventually([&] { return on.metric("postoffice_known_ids") == 21; }));
}

TEST_CASE("rm of the directory itself: it is made again, and nothing accepted is lost (S1)") {
  const TemporaryDirectory data;
  OnDisk on(data.path());
  on.start();
  for (std::int64_t id = 0; id < 10; ++id) CHECK(on.post({id}) == 202);
  std::filesystem::remove_all(on.queue);
  CHECK(is_safe_again(on));
  CHECK(eventually([&] { return on.post({10}) == 202; }));
  on.kill();
  CHECK(is_sound(on.data));
  on.start();
  CHECK(eventually([&] { return on.metric("postoffice_known_ids") == 11; }));
}

TEST_CASE("rm of LOCK: a second daemon is refused all the same") {
  const TemporaryDirectory data;
  OnDisk on(data.path());
  on.start();
  for (int i = 0; i < 2; ++i) {
    std::filesystem::remove(on.queue + "/LOCK");
    // The first time at once, the second time when the first daemon has noticed.
    if (i > 0) {
      CHECK(eventually([&] { return std::filesystem::exists(on.queue + "/LOCK"); }, 3s));
    }
    // The store is elsewhere, and the publisher's id is no part of this.
    Daemon second(data.path(), {"--store", "sqlite:" + on.store / "other.db"});
    CHECK(eventually([&] { return second.process().ended(); }, 10s));
    CHECK_FALSE(second.said(" ready\n"));
    CHECK(second.said("process " + std::to_string(on.daemon->process().id())));
  }
  CHECK(on.ready());
  CHECK(on.post({1}) == 202);
}

TEST_CASE("the directory moved away: not ready until it is back (S1)") {
  const TemporaryDirectory data;
  OnDisk on(data.path());
  on.start();
  CHECK(on.post({1}) == 202);
  std::filesystem::rename(on.queue, on.data + "/elsewhere");
  CHECK(eventually([&] { return !on.ready(); }, 2s));
  CHECK(on.post({2}) == 503);
  CHECK(has(on.daemon->page("/healthz").body, "was moved or replaced"));
  std::filesystem::rename(on.data + "/elsewhere", on.queue);
  CHECK(eventually([&] { return on.ready(); }, 2s));
  CHECK(eventually([&] { return on.post({3}) == 202; }));
}

TEST_CASE("memory without a limit (ramfs) does not count as full") {
  const TemporaryDirectory place;
  if (geteuid() != 0 || !private_mounts() ||
      mount("none", place.path().c_str(), "ramfs", 0, nullptr) != 0) {
    return skip("ramfs cannot be mounted here");
  }
  {
    OnDisk on(place / "data");
    on.start();
    CHECK(on.post({1}) == 202);
    const auto outcome = run_postofficed({"self-test", place.path(), "--crashes", "1"});
    CHECK(outcome.code == 0);
    CHECK(has(outcome.out, "ramfs, without a limit"));
  }
  CHECK(umount(place.path().c_str()) == 0);
}
