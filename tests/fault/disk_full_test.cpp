// A disk that is full, has no file names left, or refuses writes, under the running daemon.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <optional>

#include "disk_image.hpp"
#include "oracle.hpp"
#include "trials.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t disk_bytes = 1 << 30;

/// The journal is on the faulty disk, the store on another.
struct Scene {
  explicit Scene(std::vector<std::string> make, const std::string& options = {})
      : disk(std::move(make), disk_bytes, options) {}

  bool possible() const {
    if (!disk.problem().empty()) skip(disk.problem());
    return disk.problem().empty();
  }

  void start() {
    daemon.emplace(disk.path() + "/data",
                   Arguments{"--source", source.url(), "--ttl", "1h", "--fetch-concurrency", "64",
                             "--fetch-timeout", "10m", "--store", "sqlite:" + store_path});
    // On a disk that is full already it says that it is not ready, and goes on.
    const auto started = [&] {
      return daemon->said(" ready\n") || daemon->said("started, not ready: ");
    };
    REQUIRE(eventually(started));
    connection.emplace(daemon->port());
  }

  /// A callback; the answer is 202, or 503 with Retry-After, and there is one within a second.
  int post(bool filler = false) {
    if (!connection->usable()) connection.emplace(daemon->port());
    const auto begun = now_us();
    int status = 0;
    if (filler) {
      status = connection->post({});
    } else {
      const auto sent = post_one(*connection, ledger);
      status = sent.status;
      if (status == 503) CHECK(sent.retry_after);
    }
    if (status != 202) REQUIRE_MESSAGE(status == 503, "answered " << status);
    CHECK(now_us() - begun < 1'000'000);
    return status;
  }

  bool accepts() {
    return eventually([&] { return post() == 202; }, 15s);
  }

  /// Posts until it is refused for good: the files made ahead are used up. Empty callbacks cost a
  /// block of the journal each, and nothing behind it.
  std::size_t post_until_refused() {
    std::size_t accepted = 0;
    int refused_in_a_row = 0;
    const auto refused = [&] {
      for (int i = 0; i < 500 && refused_in_a_row < 20; ++i) {
        const bool good = post(i % 100 != 0) == 202;
        accepted += good ? 1 : 0;
        refused_in_a_row = good ? 0 : refused_in_a_row + 1;
      }
      return refused_in_a_row >= 20;
    };
    CHECK_MESSAGE(eventually(refused, 100s), "it was never refused");
    return accepted;
  }

  bool work_goes_on() {
    return eventually([&] { return daemon->status("pending") == 0; }, 15s);
  }

  void crash() {
    daemon->process().signal(SIGKILL);
    CHECK(daemon->process().exit_code() == 128 + SIGKILL);
    crashes.push_back(now_us());
  }

  void finish() {
    CHECK(accepts());
    CHECK(all_ended(*daemon));
    check_identity(*daemon);
    CHECK_FALSE(daemon->process().ended());
    CHECK(run_postofficed({"journal", "verify", "--data-dir", disk.path() + "/data"}).code == 0);
    check_outcome(ledger, source, sqlite_rows(store_path), crashes);
  }

  std::string outcome() const {
    return std::to_string(ledger.accepted()) + " callbacks accepted, " +
           std::to_string(ledger.count(503)) + " refused, 0 lost";
  }

  DiskImage disk;
  Source source;
  Ledger ledger;
  TemporaryDirectory store;
  const std::string store_path = store / "objects.db";
  std::vector<std::int64_t> crashes;
  std::optional<Daemon> daemon;
  std::optional<CallbackConnection> connection;
};

/// Uses up all free space.
void fill_disk(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  off_t end = 0;
  for (off_t piece = 64 << 20; piece >= 4096; piece /= 2) {
    while (posix_fallocate(file, end, piece) == 0) end += piece;
  }
  close(file);
  REQUIRE(end > 0);
}

/// Uses up all inodes.
void use_up_names(const std::string& directory) {
  std::filesystem::create_directory(directory);
  for (int i = 0;; ++i) {
    const auto path = directory + "/" + std::to_string(i);
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) break;
    close(file);
    REQUIRE(i < 100'000);
  }
}

}  // namespace

TEST_CASE("a full disk: refused with Retry-After, work goes on, recovers with space (S9)") {
  Scene scene({"/sbin/mkfs.ext4", "-q", "-F"});
  if (!scene.possible()) return;
  scene.start();
  scene.source.hang(true);
  for (int i = 0; i < 20; ++i) CHECK(scene.post() == 202);
  fill_disk(scene.disk.path() + "/ballast");
  const auto posted = scene.post_until_refused();
  CHECK(scene.daemon->page("/livez").status == 200);

  // Accepted callbacks are processed, full disk or not, and a crash then loses nothing.
  scene.source.hang(false);
  CHECK(scene.work_goes_on());
  const bool trimmed = eventually([&] { return scene.post() == 202; }, 8s);
  if (!trimmed) scene.post_until_refused();
  scene.crash();
  scene.start();
  std::filesystem::remove(scene.disk.path() + "/ballast");
  scene.finish();
  report("disk full after " + std::to_string(posted) + " callbacks, " +
         (trimmed ? "room made by trimming" : "refused until there was room") + ": " +
         scene.outcome());
}

TEST_CASE("no inodes left: refused with Retry-After, recovers with some (S9)") {
  Scene scene({"/sbin/mkfs.ext4", "-q", "-F", "-N", "16"});
  if (!scene.possible()) return;
  scene.start();
  scene.source.hang(true);
  for (int i = 0; i < 20; ++i) CHECK(scene.post() == 202);
  // Once the files made ahead exist.
  CHECK(eventually(
      [&] { return std::filesystem::exists(scene.disk.path() + "/data/queue/spare.ready"); }));
  use_up_names(scene.disk.path() + "/names");
  const auto posted = scene.post_until_refused();
  scene.source.hang(false);
  CHECK(scene.work_goes_on());
  std::filesystem::remove_all(scene.disk.path() + "/names");
  scene.finish();
  report("no file names left after " + std::to_string(posted) + " callbacks: " + scene.outcome());
}

TEST_CASE(
    "a disk turned read-only by its system: refused, no exit; a restart finds all (S9, S10)") {
  Scene scene({"/sbin/mkfs.ext4", "-q", "-F"}, "errors=remount-ro");
  if (!scene.possible()) return;
  const auto trigger = scene.disk.error_trigger();
  if (access(trigger.c_str(), W_OK) != 0) return skip("no " + trigger);
  scene.start();
  scene.source.hang(true);
  for (int i = 0; i < 20; ++i) CHECK(scene.post() == 202);
  std::ofstream(trigger) << "test\n";
  CHECK(scene.post() == 503);
  scene.source.hang(false);
  CHECK(scene.work_goes_on());
  for (int i = 0; i < 20; ++i) CHECK(scene.post() == 503);
  CHECK(scene.daemon->page("/livez").status == 200);
  scene.crash();
  scene.disk.power_on_again();
  scene.start();
  scene.finish();
  report("disk turned read-only: " + scene.outcome());
}

TEST_CASE("files may not grow (RLIMIT_FSIZE): refused with Retry-After, recovers later (S9)") {
  Ledger ledger;
  const Source source;
  const TemporaryDirectory data;
  Daemon daemon(data.path(), {"--source", source.url(), "--ttl", "1h"});
  REQUIRE(daemon.ready());
  CallbackConnection first(daemon.port());
  for (int i = 0; i < 20; ++i) CHECK(post_one(first, ledger).status == 202);
  const auto limit_files = [&](rlim_t most) {
    const rlimit limit{most, RLIM_INFINITY};
    REQUIRE(prlimit(daemon.process().id(), RLIMIT_FSIZE, &limit, nullptr) == 0);
  };
  limit_files(4096);
  for (int i = 0; i < 50; ++i) {
    CallbackConnection connection(daemon.port());
    const auto sent = post_one(connection, ledger);
    REQUIRE(sent.status == 503);
    CHECK(sent.retry_after);
  }
  CHECK_FALSE(daemon.process().ended());
  limit_files(RLIM_INFINITY);
  CHECK(eventually(
      [&] {
        CallbackConnection connection(daemon.port());
        return post_one(connection, ledger).status == 202;
      },
      15s));
  CHECK(all_ended(daemon));
  check_identity(daemon);
  check_outcome(ledger, source, sqlite_rows(data / "objects.db"), {});
  report("files may not grow: " + std::to_string(ledger.accepted()) + " callbacks accepted, " +
         std::to_string(ledger.count(503)) + " refused, 0 lost");
}
