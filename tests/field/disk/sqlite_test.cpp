// SQLite's files removed under the running daemon, or left beside the database by another user.
#include <sqlite3.h>
#include <sys/wait.h>

#include "disk.hpp"
#include "support/rows.hpp"
#include "support/source.hpp"
#include "support/sqlite_rows.hpp"

using namespace postoffice::testing;
using namespace std::chrono_literals;

namespace {

constexpr uid_t own_user = 65534;  // nobody
constexpr uid_t other_user = 1;

struct Scene {
  void start(bool as_root = true) {
    Process::Setup setup;
    if (!as_root) setup = [] { (void)!setgid(own_user), (void)!setuid(own_user); };
    daemon.emplace(data.path(), Arguments{"--source", source.url(), "--ttl", "1h"}, setup);
    REQUIRE(daemon->ready());
  }

  void store(std::int64_t first, std::int64_t last) {
    for (auto id = first; id <= last; ++id) CHECK(daemon->post(std::to_string(id)).status == 202);
    CHECK(eventually([&] { return daemon->status("pending") == 0; }));
  }

  void kill() {
    daemon->process().signal(SIGKILL);
    CHECK(daemon->process().exit_code() == 128 + SIGKILL);
  }

  /// As a user of its own; when it starts again, files of another one lie beside the database.
  void start_beside_files_of_another_user(mode_t mode = 0644);

  std::size_t rows() const { return sqlite_rows(path).size(); }

  const Source source;
  const TemporaryDirectory data;
  const std::string path = data / "objects.db";
  std::optional<Daemon> daemon;
};

/// A program of another user that writes a row and ends without closing: what it wrote is in the
/// log beside the database, which is his now.
void leave_files_of_another_user(const std::string& path) {
  const pid_t child = fork();
  if (child == 0) {
    sqlite3* handle = nullptr;
    sqlite3_open(path.c_str(), &handle);
    const int result =
        sqlite3_exec(handle,
                     "insert into objects (id, online, last_seen, fetched_at) select 777, online, "
                     "last_seen, fetched_at from objects limit 1",
                     nullptr, nullptr, nullptr);
    _exit(result);
  }
  int status = -1;
  waitpid(child, &status, 0);
  REQUIRE(status == 0);
  for (const char* suffix : {"-wal", "-shm"}) {
    REQUIRE(chown((path + suffix).c_str(), other_user, other_user) == 0);
    REQUIRE(chmod((path + suffix).c_str(), 0644) == 0);
  }
}

void Scene::start_beside_files_of_another_user(mode_t mode) {
  REQUIRE(chown(data.path().c_str(), own_user, own_user) == 0);
  start(false);
  store(1, 5);
  daemon->process().signal(SIGTERM);
  CHECK(daemon->process().exit_code() == 0);
  leave_files_of_another_user(path);
  REQUIRE(chmod((path + "-wal").c_str(), mode) == 0);
  start(false);
}

}  // namespace

TEST_CASE("the log of writes removed under the daemon: noticed, nothing is lost by kill -9") {
  Scene scene;
  scene.start();
  scene.store(1, 50);
  std::filesystem::remove(scene.path + "-wal");
  std::filesystem::remove(scene.path + "-shm");
  const auto line = scene.path + "-wal was removed or replaced under this process: its content";
  CHECK(eventually([&] { return scene.daemon->said(line); }, 5s));
  scene.store(51, 60);
  scene.kill();
  CHECK(scene.rows() == 60);
}

TEST_CASE("the database removed under the daemon: one line, and a new file") {
  Scene scene;
  scene.start();
  scene.store(1, 5);
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(scene.path + suffix);
  const auto line = scene.path + " was removed or replaced under this process: a new file is made";
  CHECK(eventually([&] { return scene.daemon->said(line); }, 5s));
  scene.store(6, 9);
  CHECK(eventually([&] { return scene.rows() == 4; }));
  CHECK(times(scene.daemon->process().err(), "was removed or replaced") == 1);
}

TEST_CASE("files of another user beside the database: taken over, with their content") {
  if (!root("another user")) return;
  Scene scene;
  scene.start_beside_files_of_another_user();
  scene.store(6, 9);
  CHECK(eventually([&] { return scene.daemon->said("were taken over with their content"); }));
  CHECK(scene.rows() == 10);
}

TEST_CASE("a file of another user that cannot be taken over is named, with owner and mode") {
  if (!root("another user")) return;
  Scene scene;
  scene.start_beside_files_of_another_user(0600);  // nor may the log be read
  CHECK(scene.daemon->post("6").status == 202);
  CHECK(eventually(
      [&] { return scene.daemon->said(scene.path + "-wal belongs to daemon, mode 0600"); }));
  CHECK(eventually([&] { return scene.daemon->page("/healthz").status == 503; }));
  REQUIRE(chown((scene.path + "-wal").c_str(), own_user, own_user) == 0);
  scene.store(7, 9);
  CHECK(scene.rows() == 10);
}
