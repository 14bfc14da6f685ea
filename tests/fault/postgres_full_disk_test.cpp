// PostgreSQL has no room: for its tables, for its log.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "fault/trouble.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// A small file system that goes away with the object; and, as only this thread and what it starts
/// see it, with the test, however that ends.
class SmallDisk {
 public:
  SmallDisk(std::string path, const std::string& size) : path_(std::move(path)) {
    mounted_ = unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("tmpfs", path_.c_str(), "tmpfs", 0, ("mode=0700,size=" + size).c_str()) == 0;
    if (!mounted_) skip("no file system can be mounted here");
  }
  ~SmallDisk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }

  void fill() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())) && file.flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return path_ + "/filler"; }

  const std::string path_;
  bool mounted_ = false;
};

struct FullDisk : Trouble {
  /// The server insists that its places are its own.
  void give_to_server(const std::string& path) const {
    struct stat server {};
    REQUIRE(stat((cluster.directory() + "/data/PG_VERSION").c_str(), &server) == 0);
    REQUIRE(chown(path.c_str(), server.st_uid, server.st_gid) == 0);
  }

  bool server_runs() const {
    const auto processes = cluster.processes();
    return !processes.empty() && kill(processes.front(), 0) == 0;
  }
};

}  // namespace

TEST_CASE_FIXTURE(FullDisk, "no room for PostgreSQL's tables for a while (S1, S4, S9)") {
  const std::string place = cluster.directory() + "/small";
  std::filesystem::create_directory(place);
  const SmallDisk disk(place, "24m");
  if (!disk.mounted()) return;
  give_to_server(place);
  cluster.stop_at_once();
  cluster.start();  // so that it sees the disk
  REQUIRE(run_postofficed({"migrate", "--store", store}).code == 0);
  cluster.sql("CREATE TABLESPACE small LOCATION '" + place + "'");
  cluster.sql("ALTER TABLE objects SET TABLESPACE small");
  // Rows that only get a newer last_seen may find room on their pages: new ids cannot.
  begin("1000000");
  disk.fill();
  // Those that find room on their pages are written all the while, so the store is up by turns; the
  // others are told of.
  CHECK(eventually(
      [&] {
        const auto health = daemon->page("/healthz");
        return health.status == 503 && health.body.find("No space left") != std::string::npos;
      },
      30s));
  // Once rows have waited for a while it says so without a break.
  CHECK(eventually(
      [&] { return daemon->page("/healthz").body.find("cannot be written") != std::string::npos; },
      30s));
  for (int look = 0; look < 20; ++look) {
    CHECK(daemon->page("/healthz").status == 503);
    std::this_thread::sleep_for(100ms);  // the length of the fault
  }
  CHECK(daemon->said("No space left"));
  CHECK(daemon->page("/readyz").status == 200);
  disk.make_room();
  check_heals();
  end("no room for tables");
  cluster.stop_at_once();  // it has files on the small disk
}

TEST_CASE_FIXTURE(FullDisk, "no room for PostgreSQL's log: it panics (S1, S4, S9)") {
  const std::string log = cluster.directory() + "/data/pg_wal";
  const std::string kept = cluster.directory() + "/kept";
  cluster.stop_at_once();
  std::filesystem::copy(log, kept, std::filesystem::copy_options::recursive);
  const SmallDisk disk(log, "80m");
  if (!disk.mounted()) return;
  REQUIRE(std::system(("cp -r " + kept + "/. " + log).c_str()) == 0);
  give_to_server(log);
  for (const auto& file : std::filesystem::recursive_directory_iterator(log)) {
    give_to_server(file.path());
  }
  cluster.start();
  begin();
  disk.fill();
  // Segments that were made ahead are used up first.
  CHECK(eventually([&] {
    try {
      cluster.sql("SELECT pg_switch_wal()");
    } catch (const std::runtime_error&) {
      // The panic itself.
    }
    return !up();
  }));
  std::this_thread::sleep_for(2s);  // the length of the fault
  CHECK_FALSE(up());
  CHECK(content_of(cluster.directory() + "/data/server.log").find("PANIC") != std::string::npos);
  CHECK(daemon->page("/readyz").status == 200);
  disk.make_room();
  if (!server_runs()) cluster.start();
  check_heals();
  end("no room for the log");
  cluster.stop_at_once();  // it has files on the small disk
}
