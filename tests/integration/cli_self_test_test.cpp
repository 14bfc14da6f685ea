// `postofficed self-test DIR`: what it finds, how it ends, what it leaves behind.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "postofficed.hpp"
#include "support/has.hpp"
#include "support/skip.hpp"

using namespace postoffice::testing;

namespace {

constexpr long tmpfs_magic = 0x01021994;

}  // namespace

TEST_CASE("self-test says for each check how it went, and leaves the directory as it was") {
  const TemporaryDirectory directory;
  const auto outcome = run_postofficed({"self-test", directory.path(), "--crashes", "3"});
  CAPTURE(outcome.out);
  CHECK(outcome.code == 0);
  CHECK(outcome.err.empty());
  CHECK_FALSE(has(outcome.out, "FAILED"));
  for (const char* line : {"file system", "names", "sync", "kill -9", "full disk"}) {
    CHECK(has(outcome.out, line));
  }
  CHECK(has(outcome.out, "was killed 3 times: "));
  CHECK(has(outcome.out, "acknowledged, all read back"));
  CHECK(has(outcome.out, "refused while there was no room, accepted again after"));
  CHECK(has(outcome.out, "not checked: a power cut"));
  CHECK(has(outcome.out, "\nverdict: "));
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("self-test finds what does not work: 74, and which check it was") {
  const TemporaryDirectory directory;
  const auto outcome = run_postofficed({"self-test", directory.path()}, [] {
    const rlimit limit{32 << 10, 32 << 10};  // no file may become large enough
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
  });
  CAPTURE(outcome.out);
  CHECK(outcome.code == 74);
  CHECK(has(outcome.out, "FAILED   sync         cannot write and sync: "));
  CHECK(has(outcome.out, "FAILED   kill -9      callbacks cannot be made durable"));
  CHECK(has(outcome.out, "verdict: FAILED"));
  CHECK(has(outcome.err, "self-test of " + directory.path() + ": "));
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("self-test warns of memory that calls itself a disk") {
  struct statfs status {};
  if (statfs("/dev/shm", &status) != 0 || status.f_type != tmpfs_magic) {
    return skip("/dev/shm is no tmpfs");
  }
  const auto outcome = run_postofficed({"self-test", "/dev/shm", "--crashes", "1"});
  CAPTURE(outcome.out);
  CHECK(outcome.code == 0);
  CHECK(has(outcome.out, "warning  file system  tmpfs, "));
  CHECK(has(outcome.out, "verdict: works, but see the warning"));
}

TEST_CASE("self-test where nothing can be made is 74 and one line") {
  const TemporaryDirectory directory;
  std::ofstream(directory / "file") << "no directory";
  std::filesystem::create_directory(directory / "closed");
  std::filesystem::permissions(directory / "closed", std::filesystem::perms::owner_read);
  std::vector<std::string> paths{directory / "none", directory / "file"};
  if (geteuid() != 0)
    paths.push_back(directory / "closed");
  else
    skip_part("root may write anywhere: a closed directory was not tried");
  for (const auto& path : paths) {
    const auto outcome = run_postofficed({"self-test", path});
    CHECK(outcome.code == 74);
    CHECK(outcome.out.empty());
    CHECK(has(outcome.err, "self-test of " + path + ": "));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
}

TEST_CASE("self-test used wrongly is 64") {
  CHECK(run_postofficed({"self-test"}).code == 64);
  CHECK(run_postofficed({"self-test", "/tmp", "/var"}).code == 64);
  for (const char* crashes : {"0", "-1", "many"}) {
    CHECK(run_postofficed({"self-test", "/tmp", "--crashes", crashes}).code == 64);
  }
}

TEST_CASE("a self-test that is interrupted cleans up, then ends by the signal") {
  const TemporaryDirectory directory;
  Process process({POSTOFFICED, "self-test", directory.path(), "--crashes", "1000000"});
  REQUIRE(eventually([&] { return has(process.out(), " sync "); }));
  process.signal(SIGTERM);
  CHECK(process.exit_code() == 128 + SIGTERM);
  CHECK_FALSE(has(process.out(), "verdict"));
  CHECK(std::filesystem::is_empty(directory.path()));
}
