// One partition of `objects` is on a disk that is full: the rows of the others go on in time.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "fault/disk_image.hpp"
#include "live.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

/// Before the server is started: it sees the mounts that were there before it.
struct SmallDisk {
  DiskImage disk{{"/sbin/mkfs.ext4", "-q", "-F", "-m", "0"}, 16 << 20};
};

struct Tablespace : SmallDisk, Live {
  Tablespace() {
    if (!disk.problem().empty()) return;
    std::filesystem::permissions(std::filesystem::path(disk.path()).parent_path(),
                                 std::filesystem::perms(0755));
    const auto place = disk.path() + "/space";
    struct stat server {};
    REQUIRE(stat((cluster.directory() + "/data").c_str(), &server) == 0);
    REQUIRE(mkdir(place.c_str(), 0700) == 0);
    REQUIRE(chown(place.c_str(), server.st_uid, server.st_gid) == 0);
    cluster.sql("CREATE TABLESPACE small LOCATION '" + place + "'");
    // A page for each row, so that each new version of a row needs another one.
    cluster.sql(
        "CREATE TABLE objects (id bigint PRIMARY KEY, online boolean NOT NULL,"
        " last_seen timestamptz NOT NULL, fetched_at timestamptz NOT NULL,"
        " note text DEFAULT repeat('x', 5000)) PARTITION BY RANGE (id);"
        "ALTER TABLE objects ALTER COLUMN note SET STORAGE PLAIN");
    cluster.sql("CREATE TABLE low PARTITION OF objects FOR VALUES FROM (MINVALUE) TO (1000)");
    cluster.sql(
        "CREATE TABLE high PARTITION OF objects FOR VALUES FROM (1000) TO (MAXVALUE)"
        " WITH (autovacuum_enabled = off) TABLESPACE small");
  }

  void fill() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(4096, 'x');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  std::string filler() const { return disk.path() + "/filler"; }
};

}  // namespace

TEST_CASE_FIXTURE(Tablespace, "a full tablespace for one partition (S4, S6)") {
  if (!disk.problem().empty()) return skip(disk.problem());
  begin("10s");
  daemon->post("1001");
  REQUIRE(gets_row(1001));
  fill();
  daemon->post("11,1001,1002");
  CHECK(gets_row(11));
  CHECK_FALSE(found().contains(1002));
  const auto seen = found().at(1001).last_seen;
  check_touched(3s, 0);
  CHECK(health_says("id 1001 ", "id 1002 "));
  CHECK(health_says("53100 could not extend file"));
  CHECK(daemon->page("/metrics").body.find("stuck_rows{what=\"write\"} 2") != std::string::npos);
  CHECK(daemon->process().err().find("works again") == std::string::npos);  // it was never away

  make_room();
  CHECK(gets_row(1002, 8s));
  CHECK(eventually([&] { return found().at(1001).last_seen > seen; }, 8s));
  CHECK(well());
  check_identity();
  for (const int id : {11, 1001, 1002}) CHECK(loses_row(id, 15s));
}
