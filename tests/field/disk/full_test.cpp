// Real file systems that are filled up: reserved space is used first, then callbacks are refused.
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "disk.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> btrfs{"/sbin/mkfs.btrfs", "-q", "-f"};
const std::vector<std::string> xfs{"/sbin/mkfs.xfs", "-q", "-f"};
const std::vector<std::string> ext4{"/sbin/mkfs.ext4", "-q", "-F"};

constexpr std::size_t more_than_a_file = 66 << 20;  // of 64 MiB
constexpr std::size_t half_a_file = 32 << 20;

struct Scene {
  explicit Scene(const std::vector<std::string>& make, const std::string& options = {})
      : disk(make, std::uint64_t{1} << 30, options), on(disk.path() + "/data") {}

  bool possible() const {
    if (!disk.problem().empty()) skip(disk.problem());
    return disk.problem().empty();
  }

  void start() {
    on.start();
    const auto has_spare = [&] { return access(spare.c_str(), F_OK) == 0; };
    CHECK(eventually(has_spare));
    CHECK(on.post({1}) == 202);  // takes it
    CHECK(eventually(has_spare));
  }

  /// Until nothing is left, not even for a small file.
  void fill() const {
    const auto path = disk.path() + "/ballast";
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    off_t end = 0;
    for (off_t piece = 64 << 20; piece >= 4096; piece /= 2) {
      while (posix_fallocate(file, end, piece) == 0) end += piece;
    }
    REQUIRE(end > 0);
    const std::vector<char> bytes(4096, 'x');
    while (pwrite(file, bytes.data(), bytes.size(), end) > 0) end += 4096;
    fsync(file);
    close(file);
  }

  void tells_before_it_refuses() const {
    const auto& daemon = *on.daemon;
    const auto told = [&] {
      const auto health = daemon.page("/healthz");
      return health.status == 503 && health.body.find("the disk fills") != std::string::npos &&
             health.body.find("\"part\":\"queue\",\"state\":\"degraded\"") != std::string::npos;
    };
    CHECK(eventually(told, 5s));
    CHECK(eventually([&] { return daemon.said("health: queue: degraded: the disk fills"); }, 5s));
    CHECK(eventually([&] { return daemon.said("queue: no file may be added"); }, 5s));
    CHECK(on.ready());
  }

  /// How many bytes of ids are taken before the first refusal; little more than `enough`.
  std::size_t accepted_bytes(std::size_t enough) {
    std::mt19937_64 random(7);
    std::vector<std::int64_t> ids(9'900);
    for (auto& id : ids) id = static_cast<std::int64_t>(random() >> 1);
    const std::size_t each = ids.size() * 6;  // at least, by what their distances are coded as
    std::atomic<std::size_t> accepted{0};
    std::atomic<bool> refused{false};
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    const auto send = [&] {
      CallbackConnection sender(on.daemon->port());
      while (accepted < enough && !refused) {
        if (sender.post(ids) == 202)
          accepted += each;
        else  // a busy machine may be slow, too
          refused = on.daemon->said("No space left") || std::chrono::steady_clock::now() > give_up;
      }
    };
    std::vector<std::thread> senders;
    for (int i = 0; i < 4; ++i) senders.emplace_back(send);
    for (auto& sender : senders) sender.join();
    if (refused) MESSAGE(on.daemon->process().err());
    return accepted;
  }

  /// 0: there is none.
  std::int64_t spare_made_at() const {
    struct stat status {};
    if (stat(spare.c_str(), &status) != 0) return 0;
    return status.st_ctim.tv_sec * 1'000'000'000 + status.st_ctim.tv_nsec;
  }

  std::string newest_segment() const {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator(on.queue)) {
      if (entry.path().extension() == ".journal") newest = std::max(newest, entry.path().string());
    }
    return newest;
  }

  DiskImage disk;
  OnDisk on;
  const std::string spare = on.queue + "/spare.ready";
};

void fill_and_count(const std::vector<std::string>& make, const std::string& options = {}) {
  Scene scene(make, options);
  if (!scene.possible()) return;
  scene.start();
  scene.fill();
  scene.tells_before_it_refuses();
  CHECK(scene.accepted_bytes(more_than_a_file) >= more_than_a_file);
  CHECK(scene.on.daemon->page("/livez").status == 200);
}

/// `clone` is a program that takes a share in the blocks of its first argument.
void clone_and_fill(const std::vector<std::string>& make, Arguments clone, bool whole) {
  Scene scene(make);
  if (!scene.possible()) return;
  if (access(clone.front().c_str(), X_OK) != 0) return skip("no " + clone.front());
  scene.start();
  const auto before = scene.spare_made_at();
  const auto segment = scene.newest_segment();
  clone.insert(clone.end(),
               {whole ? scene.disk.path() : scene.on.queue, scene.disk.path() + "/copy"});
  REQUIRE(Process(clone).exit_code() == 0);
  CHECK(eventually(
      [&] {
        const auto made_at = scene.spare_made_at();
        return made_at != 0 && made_at != before;
      },
      20s));
  // The file that is written to is left for that spare, and another one made.
  CHECK(eventually([&] { return scene.on.post({1}) == 202 && scene.newest_segment() != segment; },
                   20s));
  CHECK(eventually([&] { return scene.spare_made_at() != 0; }));
  scene.fill();
  CHECK(scene.accepted_bytes(half_a_file) >= half_a_file);
}

/// What `self-test` says of the reserved room.
std::string said_of_reserve(const std::vector<std::string>& make, const std::string& options) {
  const DiskImage disk(make, std::uint64_t{512} << 20, options);
  if (!disk.problem().empty()) return skip_part(options + disk.problem()), "";
  const auto outcome = run_postofficed({"self-test", disk.path(), "--crashes", "1"});
  CAPTURE(outcome.out);
  CHECK(outcome.code == 0);
  const auto place = outcome.out.find(" reserve ");
  if (place == std::string::npos) return "nothing: " + outcome.out;
  const auto begin = outcome.out.rfind('\n', place) + 1;
  return outcome.out.substr(begin, outcome.out.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("ext4 is full: more than a whole file is taken first (S9)") { fill_and_count(ext4); }

TEST_CASE("XFS is full: more than a whole file is taken first (S9)") { fill_and_count(xfs); }

TEST_CASE("btrfs that compresses is full: more than a whole file is taken first (S9)") {
  fill_and_count(btrfs, "compress-force=zstd");
}

TEST_CASE("a clone of the queue takes a share in its blocks: others are reserved (XFS)") {
  clone_and_fill(xfs, {"/bin/cp", "-a", "--reflink=always"}, false);
}

TEST_CASE("a snapshot takes a share in the queue's blocks: others are reserved (btrfs)") {
  clone_and_fill(btrfs, {"/usr/bin/btrfs", "subvolume", "snapshot"}, true);
}

TEST_CASE("self-test says what is reserved, and that the file system reported it") {
  for (const auto& [make, options] :
       {std::pair{ext4, ""}, std::pair{xfs, ""}, std::pair{btrfs, ""}}) {
    const auto line = said_of_reserve(make, options);
    if (!line.empty()) CHECK_MESSAGE(has(line, "ok       reserve      room is reserved"), line);
  }
}
