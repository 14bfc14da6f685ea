// A disk that stands still, and one that others fill.
#include <linux/fs.h>

#include "field/disk/disk.hpp"
#include "field/incidents/told.hpp"
#include "support/source.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Takes all but so many bytes of the disk.
class Ballast {
 public:
  Ballast(const std::string& disk, std::uint64_t left) : path_(disk + "/ballast") {
    struct statvfs found {};
    REQUIRE(statvfs(disk.c_str(), &found) == 0);
    const auto free = found.f_bavail * found.f_frsize;
    REQUIRE(free > left);
    const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    REQUIRE(posix_fallocate(file, 0, static_cast<off_t>(free - left)) == 0);
    close(file);
  }
  ~Ballast() { remove(path_.c_str()); }
  Ballast(const Ballast&) = delete;
  Ballast& operator=(const Ballast&) = delete;

 private:
  const std::string path_;
};

class Frozen {
 public:
  explicit Frozen(const std::string& path)
      : root_(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        worked_(ioctl(root_, FIFREEZE, 0) == 0) {}
  ~Frozen() {
    if (worked_) ioctl(root_, FITHAW, 0);
    close(root_);
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  bool worked() const { return worked_; }

 private:
  const int root_;
  const bool worked_;
};

}  // namespace

TEST_CASE("incidents: another program fills the disk of the queue; then the disk stands still") {
  const DiskImage disk({"/sbin/mkfs.ext4", "-q", "-F"}, std::uint64_t{4} << 30);
  if (!disk.problem().empty()) return skip(disk.problem());
  Source source;
  OnDisk on(disk.path() + "/data");
  on.start({"--source", source.url()});
  REQUIRE(on.post({1}) == 202);
  const auto is = [&](const char* name, double value) {
    return [&on, name, value] { return on.metric(name) == value; };
  };
  Told filling(*on.daemon);
  std::optional<Ballast> ballast(std::in_place, disk.path(), 8 << 20);
  filling.happened();
  filling.check({"queue", "degraded", "free|room|full", "room|free|--queue-limit", "queue: .*disk",
                 is("postoffice_queue_growth_stopped", 1)});
  CHECK(on.metric("postoffice_disk_free_bytes") < (16 << 20));
  CHECK(on.ready());  // what is there is enough for now
  CHECK(on.post({2}) == 202);
  Told room(*on.daemon);
  ballast.reset();
  room.check_over("queue: .*again", is("postoffice_queue_growth_stopped", 0));
  Told stalled(*on.daemon);
  std::optional<Frozen> frozen(std::in_place, disk.path());
  if (!frozen->worked()) return skip("fsfreeze does not work here");
  CHECK(on.post({3}) == 503);
  stalled.check({"queue|ingress", "down", "disk does not answer",
                 "disk|device|snapshot|file system", "disk does not answer",
                 [&] { return on.metric("postoffice_journal_flush_overdue_seconds") > 0.8; }});
  CHECK_FALSE(on.ready());
  Told thawed(*on.daemon);
  frozen.reset();
  thawed.check_over("queue: .*again", is("postoffice_journal_flush_overdue_seconds", 0));
  CHECK(on.ready());
}
