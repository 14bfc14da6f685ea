// A disk that is frozen or slow, under the daemon.
#include <linux/fs.h>

#include "disk.hpp"
#include "fault/strace.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// As for any snapshot. Ends with the object, whatever becomes of the test.
class Frozen {
 public:
  explicit Frozen(const std::string& path)
      : root_(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
        frozen_(ioctl(root_, FIFREEZE, 0) == 0) {}
  ~Frozen() { thaw(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  bool worked() const { return frozen_; }
  void thaw() {
    if (frozen_) frozen_ = ioctl(root_, FITHAW, 0) != 0;
    if (root_ >= 0) close(root_);
    root_ = -1;
  }

 private:
  int root_;
  bool frozen_;
};

constexpr const char* refused = "queue: callbacks are refused: the disk does not answer";
constexpr const char* again = "queue: callbacks can be made durable again";

}  // namespace

TEST_CASE("fsfreeze: not ready from the first overdue flush until one is in time (S9)") {
  const DiskImage disk({"/sbin/mkfs.ext4", "-q", "-F"}, std::uint64_t{512} << 20);
  if (!disk.problem().empty()) return skip(disk.problem());
  OnDisk on(disk.path() + "/data");
  on.start();
  CHECK(on.post({1}) == 202);
  CHECK(on.ready());
  Frozen frozen(disk.path());
  if (!frozen.worked()) return skip("fsfreeze does not work here");
  CHECK(on.post({2}) == 503);
  CHECK(eventually([&] { return !on.ready(); }, 1s));
  const auto health = on.daemon->page("/healthz");
  CHECK(health.status == 503);
  CHECK(has(health.body, "the disk does not answer: a flush takes "));
  CHECK(has(on.daemon->page("/readyz").body, "the disk does not answer"));
  CHECK(on.metric("postoffice_journal_flush_overdue_seconds") > 0.8);
  CHECK(eventually([&] { return on.daemon->said(refused); }, 2s));
  for (int i = 0; i < 3; ++i) CHECK(on.post({3}) == 503);
  CHECK_FALSE(on.ready());
  frozen.thaw();
  CHECK(eventually([&] { return on.ready(); }, 5s));
  CHECK(on.post({4}) == 202);
  CHECK(eventually([&] { return on.daemon->said(again); }, 2s));
  CHECK(on.metric("postoffice_journal_flush_overdue_seconds") == 0);
  const auto log = on.daemon->process().err();
  CHECK(times(log, refused) == 1);
  CHECK(times(log, again) == 1);
}

TEST_CASE("every sync takes 1.5 s: all refused, and no page says that it is ready (S9)") {
  if (!strace_works()) return;
  const TemporaryDirectory notes;
  const TemporaryDirectory data;
  OnDisk on(data.path());
  on.start({}, straced(notes / "log", {"-e", "trace=fdatasync", "-e",
                                       "inject=fdatasync:delay_enter=1500000:when=60+"}));
  CHECK(eventually([&] { return on.post({1}) == 503; }, 20s));
  for (int i = 0; i < 4; ++i) {
    CHECK(on.post({2}) == 503);
    CHECK_FALSE(on.ready());
  }
  CHECK(on.daemon->page("/healthz").status == 503);
  stop_tracing(on.daemon->process().id());
  CHECK(eventually([&] { return on.ready(); }, 10s));
  CHECK(on.post({3}) == 202);
}
