// `postofficed bench`: a whole measurement, and what is left of it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "postofficed.hpp"
#include "support/has.hpp"

using namespace postoffice::testing;

namespace {

/// A process that was told of this directory, or 0.
pid_t process_on(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto number = std::atoi(entry.path().filename().c_str());
    if (number == 0 || number == getpid()) continue;
    if (has(content_of(entry.path().string() + "/cmdline"), directory + "/")) return number;
  }
  return 0;
}

}  // namespace

TEST_CASE("bench gives a certificate, compares with one, and leaves everything as it was") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "disk");
  const auto ours = [&] {
    setenv("POSTOFFICE_QUEUE", ("file:" + directory / "queue").c_str(), 1);
    setenv("POSTOFFICE_STORE", ("sqlite:" + directory / "objects.db").c_str(), 1);
    setenv("POSTOFFICE_LISTEN", "localhost:1", 1);
  };
  const auto first =
      run_postofficed({"bench", directory / "disk", "--seconds", "2", "--json"}, ours);
  CAPTURE(first.out);
  CAPTURE(first.err);
  CHECK(first.code == 0);
  CHECK(first.err.empty());
  for (const char* part : {"\"certificate\":\"postofficed bench\"", "\"kernel\":\"Linux",
                           "\"flush\":{\"count\":", "\"connections\":1,", "\"connections\":256,",
                           "\"limit\":\"", "\"ids_per_second\":", "\"one_callback\":{",
                           "\"memory_peak_bytes\":", "this disk promises "}) {
    CAPTURE(part);
    CHECK(has(first.out, part));
  }
  CHECK_FALSE(has(first.out, "\"callbacks_per_second\":0.0,"));
  CHECK_FALSE(has(first.out, "\"ids_per_second\":0.0,"));
  std::ofstream(directory / "certificate.json") << first.out;

  const auto second = run_postofficed(
      {"bench", directory / "disk", "--seconds", "2", "--compare", directory / "certificate.json"});
  CHECK(second.code == 0);
  CHECK(has(second.out, "verdict: this disk promises "));
  CHECK(has(second.out, "  callbacks/s, 16 senders "));
  CHECK(std::filesystem::is_empty(directory / "disk"));
  CHECK_FALSE(std::filesystem::exists(directory / "queue"));
  CHECK_FALSE(std::filesystem::exists(directory / "objects.db"));
  CHECK(process_on(directory.path()) == 0);
}

TEST_CASE("a bench that is interrupted cleans up; one that is killed takes its daemon with it") {
  for (const int number : {SIGTERM, SIGKILL}) {
    CAPTURE(number);
    const TemporaryDirectory directory;
    Process process({postofficed(), "bench", directory.path(), "--seconds", "600"},
                    [] { setenv("POSTOFFICE_TTL", "1s", 1); });
    REQUIRE(eventually([&] {
      for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        if (std::filesystem::exists(entry.path() / "objects.db")) return true;
      }
      return false;
    }));
    const auto daemon = process_on(directory.path());
    REQUIRE(daemon != 0);
    const auto variables = content_of("/proc/" + std::to_string(daemon) + "/environ");
    CHECK(has(variables, "LISTEN_FDS=2"));
    CHECK_FALSE(has(variables, "POSTOFFICE_"));
    process.signal(number);
    CHECK(process.exit_code() == 128 + number);
    if (number == SIGTERM) CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(eventually([&] { return process_on(directory.path()) == 0; }));
  }
}

TEST_CASE("a bench that cannot begin says why") {
  const TemporaryDirectory directory;
  CHECK(run_postofficed({"bench", directory / "none"}).code == 74);
  CHECK(run_postofficed({"bench", directory.path(), "--seconds", "1"}).code == 64);
  CHECK(run_postofficed({"bench", directory.path(), "--seconds", "many"}).code == 64);
  std::ofstream(directory / "certificate") << "{}";
  for (const std::string name : {"certificate", "none"}) {
    const auto outcome =
        run_postofficed({"bench", directory.path(), "--compare", directory / name});
    CHECK(outcome.code == 78);
    CHECK(has(outcome.err, name));
  }
}
